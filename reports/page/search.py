"""The sections of a search."""

from __future__ import annotations

from functools import cached_property

from optuna.trial import TrialState

from reports.figures.bars import Bar, bars
from reports.figures.history import history
from reports.findings.rivals import rivals_of
from reports.page.blocks import Block, Chart, Grid, Headline, Section, Text
from reports.page.judged import accountability_section
from reports.page.shared import again, by_class, cost, samples, studied
from reports.sources.evidence import MISSING
from reports.sources.runs import ORACLE
from reports.sources.search import SearchResults
from reports.statistics.importance import Importance, importance
from reports.tables.importances import NAMES, importances_table
from reports.tables.model import Cell, Table, missing
from reports.tables.numbers import Metric, setting_text
from reports.tables.rivals import rivals_table
from reports.tables.trials import trials_table


class SearchPage:
    """One search, under a label that is unique on the page."""

    def __init__(self, label: str, results: SearchResults) -> None:
        self._label, self._results = label, results

    def sections(self) -> list[Section]:
        """From what was asked to how it is run again."""
        results, label = self._results, self._label
        rivals = rivals_table(results, rivals_of(results), f"{label}-winner")
        shown = {results.winner.arm: [results.winner]} | {run.arm: [run] for run in results.anchors}
        return [
            Section(label, f"Search {label}", [self._headline(), studied(label, "search", results, self._asked())]),
            Section(f"{label}-winner", "The winner", [Grid(rivals)], level=3),
            Section(f"{label}-trials", "Trials", [*self._histories(), Grid(self._trials)], level=3),
            Section(f"{label}-importance", "What mattered", self._importances(), level=3),
            accountability_section(f"{label}-validators", [results]),
            by_class(label, results, shown, results.winner.arm, results.pick, 0.95),
            samples(label, results, results.winner),
            cost(label, results),
            again(label, results),
        ]

    @cached_property
    def _trials(self) -> Table:
        return trials_table(self._results, f"{self._label}-trials")

    def _asked(self) -> list[tuple[str, str]]:
        spec = self._results.study.spec
        space = [
            (
                f"field {name}",
                ", ".join(
                    f"{key} {value}" for key, value in one.model_dump(exclude_none=True, exclude_defaults=True).items()
                ),
            )
            for name, one in self._results.study.space.items()
        ]
        return [
            ("objective", f"{', '.join(spec.objective.names)} (label-free)"),
            ("pick", self._results.pick.selection),
            ("sampler", f"{spec.search.sampler}, {spec.search.trials} trials, seed {spec.search.seed}"),
            *space,
        ]

    def _headline(self) -> Headline:
        results, winner = self._results, self._results.winner
        evidence = results.pick.evidence(1, (winner.seed,), "missing (a single seed)")
        ended = [trial.state for trial in results.study.trials]
        counts = f"{ended.count(TrialState.COMPLETE)} of {len(ended)}"
        settings = "\n".join(f"{field} = {setting_text(value)}" for field, value in results.selection["values"].items())
        return Headline(
            (
                (f"the winner, by {results.selection['pick']}", Cell(winner.arm, evidence, hint=settings)),
                ("its balanced accuracy, % (oracle)", self._oracle(winner.scores.get(f"{ORACLE}balanced_accuracy"))),
                (
                    "its regret against the best trial, points (oracle)",
                    self._oracle((results.scores or {}).get("regret")),
                ),
                ("trials completed", Cell(counts, results.provenance.evidence(len(ended), results.seeds))),
            )
        )

    def _oracle(self, value: float | None) -> Cell:
        if value is None:
            return missing(self._results.why_closed)
        evidence = self._results.pick.evidence(1, self._results.seeds, "missing (a single seed)")
        return Cell(Metric(f"{ORACLE}balanced_accuracy").value(value), evidence)

    def _histories(self) -> list[Block]:
        results, names = self._results, self._results.study.spec.objective.names
        tips = [
            "\n".join(
                [
                    f"trial {trial.number}, {trial.state.name.lower()}",
                    *self._told(place),
                    self._trials.rows[place][0].tip,
                ]
            )
            for place, trial in enumerate(results.study.trials)
        ]
        winner = results.selection["winner"]
        caption = "Objective {} by trial, label-free; the winner was picked by {}, not by the objective."
        return [
            Chart(
                history(
                    f"{self._label}-history-{name}",
                    caption.format(name, results.selection["pick"]),
                    results.study.trials,
                    place,
                    name.replace("_", " "),
                    winner,
                    tips,
                )
            )
            for place, name in enumerate(names)
        ]

    def _told(self, place: int) -> list[str]:
        columns = self._trials.columns
        row = self._trials.rows[place]
        return [f"{column.title}: {cell.text}" for column, cell in list(zip(columns, row, strict=True))[2:]]

    def _importances(self) -> list[Block]:
        results, blocks = self._results, list[Block]()
        for objective, name in enumerate(results.study.spec.objective.names):
            found = [importance(results.study.optuna.study, one, objective) for one in ("fanova", "ped_anova")]
            table = importances_table(results, found, f"{self._label}-importance-{objective}")
            given = [
                Bar(
                    field,
                    NAMES[one.evaluator],
                    100 * share,
                    f"{field}: {100 * share:.0f} % by {NAMES[one.evaluator]}\n{_evidence(table)}",
                )
                for one in found
                for field, share in (one.shares or {}).items()
            ]
            blocks.append(Grid(table) if given else Text(f"Importance for {name}: {MISSING} ({_why(found)})."))
            if given:
                caption = f"Share of importance for {name}."
                blocks.append(Chart(bars(f"{self._label}-importance-{name}", caption, given, "importance, %")))
        return blocks


def _why(found: list[Importance]) -> str:
    return "; ".join(dict.fromkeys(one.reason or "" for one in found))


def _evidence(table: Table) -> str:
    return next((cell.tip for row in table.rows for cell in row if cell.evidence), "")
