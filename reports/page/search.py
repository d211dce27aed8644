"""The sections of a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from optuna.trial import TrialState

from sfcmt.grounding.wording import gate_text
from sfcmt.reports.findings.rivals import rivals_of
from sfcmt.reports.page.blocks import Grid, Headline, Section
from sfcmt.reports.page.importances import importance_blocks
from sfcmt.reports.page.judged import accountability_section
from sfcmt.reports.page.shared import again, by_class, cost, samples, studied
from sfcmt.reports.page.trials import trial_blocks
from sfcmt.reports.sources.runs import ORACLE
from sfcmt.reports.sources.search import SearchResults
from sfcmt.reports.tables.model import Cell, missing
from sfcmt.reports.tables.numbers import Metric, setting_text
from sfcmt.reports.tables.rivals import rivals_table
from sfcmt.tuning.search.study import gate_of

_LEVEL = 0.95


def search_sections(label: str, results: SearchResults) -> list[Section]:
    """From what was asked to how it is run again, under a label that is unique on the page."""
    rivals = rivals_table(results, rivals_of(results), f"{label}-winner")
    shown = {results.winner.arm: [results.winner]} | {run.arm: [run] for run in results.rivals}
    asked = studied(label, "search", results, _asked(results))
    return [
        Section(label, f"Search {label}", [_headline(results), asked]),
        Section(f"{label}-winner", "The winner", [Grid(rivals)], level=3),
        Section(f"{label}-trials", "Trials", trial_blocks(label, results), level=3),
        Section(f"{label}-importance", "What mattered", importance_blocks(label, results), level=3),
        accountability_section(f"{label}-validators", [results]),
        by_class(label, results, shown, results.winner.arm, results.pick, _LEVEL),
        samples(label, results, results.winner),
        cost(label, results),
        again(label, results),
    ]


def _asked(results: SearchResults) -> list[tuple[str, str]]:
    spec, few = results.study.spec, results.study.record.few_labels is not None
    space = {
        name: one.model_dump(exclude_none=True, exclude_defaults=True) for name, one in results.study.space.items()
    }
    return [
        ("objective", f"{', '.join(spec.objective.names)}, {results.study.record.chosen}"),
        *([("few labels", f"{results.study.record.chosen}; oracle figures have these images among them")] * few),
        ("pick", results.pick.selection),
        ("gate of the pairs", gate_text(gate_of(results.selection), str(results.selection["winner"]))),
        ("sampler", f"{spec.search.sampler}, {spec.search.trials} trials, seed {spec.search.seed}"),
        *((f"field {name}", ", ".join(f"{kind} {ends}" for kind, ends in one.items())) for name, one in space.items()),
    ]


def _regret(results: SearchResults, judged: Callable[[float | None], Cell]) -> Cell:
    """What few frames, or an earlier release, did not tell is missing; beside it, what the best trial seems to be."""
    scores = results.scores
    if scores is None:
        return judged(None)
    seen = f"against the best trial on the images that show it to be the best: {100 * scores['regret']:.1f}"
    if (fitted := scores.get("cross_fitted_regret")) is None:
        return missing(f"too few frames, or scored by an earlier release: run sfcmt score again; {seen}")
    return replace(judged(fitted), hint=seen)


def _headline(results: SearchResults) -> Headline:
    """The winner, and what the labels say of it."""
    winner, states = results.winner, [trial.state for trial in results.study.trials]
    evidence = results.pick.evidence(1, (winner.seed,), "missing (a single seed)")
    settings = "\n".join(f"{field} = {setting_text(value)}" for field, value in results.selection["values"].items())
    completed = f"{states.count(TrialState.COMPLETE)} of {len(states)}"

    def judged(value: float | None) -> Cell:
        metric = Metric(f"{ORACLE}balanced_accuracy")
        return missing(results.why_closed) if value is None else Cell(metric.value(value), evidence)

    held_out = winner.scores.get(f"{ORACLE}held_out_balanced_accuracy")
    return Headline(
        (
            (f"the winner, by {results.selection['pick']}", Cell(winner.arm, evidence, hint=settings)),
            ("its balanced accuracy, % (oracle)", judged(winner.scores.get(f"{ORACLE}balanced_accuracy"))),
            *([] if held_out is None else [("on images held out of adaptation, % (oracle)", judged(held_out))]),
            ("its cross-fitted regret, points (oracle)", _regret(results, judged)),
            ("trials completed", Cell(completed, results.provenance.evidence(len(states), results.seeds))),
        )
    )
