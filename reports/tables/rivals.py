"""The main table of a search: its winner and the methods that need no search."""

from __future__ import annotations

from sfcmt.reports.findings.rivals import Rival
from sfcmt.reports.sources.evidence import NONE, interval_text
from sfcmt.reports.sources.runs import ORACLE, VALIDATOR, Run
from sfcmt.reports.sources.search import SearchResults
from sfcmt.reports.statistics.frame_test import TEST
from sfcmt.reports.tables.model import Cell, Column, Table, label, missing
from sfcmt.reports.tables.notes import notes_of
from sfcmt.reports.tables.numbers import Metric, p_text

_ACCURACY, _BALANCED = Metric(f"{ORACLE}accuracy"), Metric(f"{ORACLE}balanced_accuracy")
_FAMILY = "Holm over {} rivals at 0.05"


def rivals_table(results: SearchResults, rivals: list[Rival], name: str) -> Table:
    """The winner, then its rivals."""
    pick = Metric(f"{VALIDATOR}{results.selection['pick']}")
    columns = (
        Column("model", is_number=False),
        Column("n"),
        Column("seeds"),
        Column(pick.title),
        Column(_BALANCED.title, is_oracle=True),
        Column(_ACCURACY.title, is_oracle=True),
        Column("winner minus it [95 %]", is_oracle=True),
        Column("p", is_oracle=True),
        Column("p corrected", is_oracle=True),
    )
    winner = results.winner
    runs = [(f"{results.method}, {winner.arm} (winner)", winner), *((run.arm, run) for run in results.rivals)]
    found = {rival.name: rival for rival in rivals}
    rows = tuple(
        (
            label(title),
            *_counts(results, run),
            *(_score(results, run, one) for one in (pick, _BALANCED, _ACCURACY)),
            *_against(results, run, found),
        )
        for title, run in runs
    )
    seed = results.experiment.seed
    notes = [
        f"n: models; each is one training under seed {seed}, so nothing is said of other seeds",
        "Differences in balanced accuracy; interval and p-value are of one test, whose units are frames, since images "
        "of a frame are not independent",
        f"Test: {TEST}; correction: {_FAMILY.format(sum(one.corrected is not None for one in rivals))}, of the "
        "p-values alone",
    ]
    title = f"The winner of {results.name} on {results.data}"
    return Table(name, title, columns, rows, notes_of(results.pick, notes, bool(results.scores)))


def _counts(results: SearchResults, run: Run) -> tuple[Cell, Cell]:
    evidence = results.provenance.evidence(1, (run.seed,))
    return Cell("1", evidence), Cell(str(run.seed), evidence)


def _score(results: SearchResults, run: Run, metric: Metric) -> Cell:
    if metric.column not in run.scores:
        return missing(results.why_closed if metric.is_oracle else "the pick does not know it")
    origin = results.pick if run is results.winner else results.provenance
    return Cell(metric.value(run.scores[metric.column]), origin.evidence(1, (run.seed,), "missing (a single seed)"))


def _against(results: SearchResults, run: Run, rivals: dict[str, Rival]) -> tuple[Cell, ...]:
    if run is results.winner:
        return tuple(Cell("\N{EN DASH}", tone="quiet", hint="the winner itself") for _ in range(3))
    if run.arm not in rivals:
        why = "its outputs, or the labels, are not on this machine" if results.scores else results.why_closed
        return tuple(missing(why) for _ in range(3))
    rival = rivals[run.arm]
    test, corrected = rival.test, rival.corrected
    evidence = results.pick.evidence(
        f"{test.n} images in {test.frames} frames",
        (run.seed,),
        interval_text(test.interval),
        TEST,
        _FAMILY.format(corrected.family) if corrected else NONE,
    )
    limits = "[missing]" if test.interval is None else _BALANCED.limits(test.interval, True)
    text, is_clear = f"{_BALANCED.difference(test.difference)} {limits}", bool(corrected and corrected.is_rejected)
    difference = Cell(text, evidence, "clear" if is_clear else "", test.reason)
    if corrected is None:
        return difference, missing(test.reason), missing(test.reason)
    reach = f"the models differ on {test.differing} frames: no p below {test.min_p_value:.2g} was possible"
    return (
        difference,
        Cell(p_text(corrected.p_value), evidence, hint=reach),
        Cell(p_text(corrected.adjusted_p), evidence, "clear" if is_clear else "", reach),
    )
