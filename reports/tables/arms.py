"""The main table of an ablation."""

from __future__ import annotations

from sfcmt.reports.findings.arms import ArmFinding
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.evidence import interval_text, seeds_text
from sfcmt.reports.sources.runs import ORACLE, samples_of
from sfcmt.reports.statistics.estimates import Estimate, mean_of
from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.statistics.paired import Difference
from sfcmt.reports.statistics.samples import Sample
from sfcmt.reports.tables.judging import Judging
from sfcmt.reports.tables.model import Cell, Column, Table, label, missing
from sfcmt.reports.tables.notes import notes_of
from sfcmt.reports.tables.numbers import Metric, level_text, size_text

MEAN, DIFFERENCE = 3, 5
"""Places of these columns."""


class ArmsTable:
    """Makes the table's cells."""

    def __init__(self, findings: list[ArmFinding], metric: Metric, results: AblationResults, judging: Judging) -> None:
        self._findings, self._metric, self._results, self._judging = findings, metric, results, judging
        held_out = f"{ORACLE}held_out_{metric.column.removeprefix(ORACLE)}"
        self._held_out = samples_of(results.runs, held_out) if held_out in results.table.column_names else None

    def table(self, name: str) -> Table:
        """Arms in the order of the design."""
        oracle, level = self._metric.is_oracle, level_text(self._results.level)
        columns = (
            Column("arm", is_number=False),
            Column("n"),
            Column("seeds"),
            Column(f"mean [{level}]", is_oracle=oracle),
            Column(f"IQM [{level}]", is_oracle=oracle),
            Column(f"difference [{self._judging.interval}]", is_oracle=oracle),
            *self._judging.columns(),
            Column("d", is_oracle=oracle),
            Column("r", is_oracle=oracle),
            *([] if self._held_out is None else [Column(f"held out [{level}]", is_oracle=True)]),
        )
        title = f"{self._metric.heading}: {self._results.method} on {self._results.data}"
        return Table(name, title, columns, tuple(map(self._row, self._findings)), self._notes())

    def _row(self, one: ArmFinding) -> tuple[Cell, ...]:
        seeds = tuple(one.sample)
        counts = self._results.provenance.evidence(len(seeds), seeds)
        n = Cell(str(len(seeds)), counts)
        if one.absent:
            reasons = dict.fromkeys(run.failure for run in self._results.runs_of(one.arm) if run.failure)
            absent = "\n".join([f"no value of seeds {seeds_text(one.absent)}", *reasons])
            n = Cell(f"{len(seeds)} of {len(seeds) + len(one.absent)}", counts, hint=absent)
        told = Cell(seeds_text(seeds), counts) if seeds else missing("no seed has a value")
        own = (label(one.arm), n, told, self._estimate(one.mean), self._estimate(one.iqm), *self._compared(one))
        return own if self._held_out is None else (*own, self._estimate(self._mean_of(self._held_out[one.arm])))

    def _mean_of(self, sample: Sample) -> Estimate | None:
        return mean_of(sample, self._results.level) if sample else None

    def _estimate(self, estimate: Estimate | None) -> Cell:
        if estimate is None:
            return missing("no seed has a value")
        evidence = self._results.provenance.evidence(estimate.n, estimate.seeds, interval_text(estimate.interval))
        return Cell(self._with_limits(self._metric.value(estimate.value), estimate.interval), evidence)

    def _compared(self, one: ArmFinding) -> list[Cell]:
        """Difference, verdict and effect sizes."""
        rest = len(self._judging.columns()) + 2
        if one.is_baseline:
            none = Cell("\N{EN DASH}", tone="quiet", hint="the baseline itself")
            return [Cell("baseline", tone="quiet"), *([none] * rest)]
        if one.difference is None:
            return [missing("no seed has a value both here and in the baseline")] * (1 + rest)
        return self._difference(one, one.difference)

    def _difference(self, one: ArmFinding, found: Difference) -> list[Cell]:
        evidence = self._results.provenance.evidence(
            found.n, found.seeds, interval_text(one.interval), self._judging.test, self._judging.correction
        )
        text = self._with_limits(self._metric.difference(found.mean), one.interval, True)
        d = missing(f"{found.n} pairs are too few, or their differences do not vary")
        if found.corrected_d is not None:
            d = Cell(size_text(found.corrected_d), evidence, hint="Hedges' corrected d of the pairs")
        rank = Cell(size_text(found.rank_biserial), evidence, hint="matched-pairs rank-biserial correlation")
        return [
            Cell(text, evidence, "clear" if one.is_clear else ""),
            *self._judging.cells(one, evidence),
            d,
            rank,
        ]

    def _with_limits(self, value: str, interval: Interval | None, is_difference: bool = False) -> str:
        limits = "[missing]" if interval is None else self._metric.limits(interval, is_difference)
        return f"{value} {limits}"

    def _notes(self) -> tuple[str, ...]:
        judging, results = self._judging, self._results
        own = [
            f"Differences from the arm {results.baseline}, paired by seed",
            f"Test: {judging.test}; correction: {judging.correction}",
            f"Intervals: t for means ({level_text(results.level)}) and differences ({judging.interval}), expanded "
            "percentile bootstrap for the IQM",
            "d: Hedges' corrected d of the pairs; r: matched-pairs rank-biserial correlation",
            *(
                []
                if self._held_out is None
                else ["Held out: on images of frames that no arm adapted to; all else: the rest"]
            ),
            f"n: seeds with a value, of {seeds_text(results.seeds)}; design: {results.spec.design.replace('_', ' ')}",
        ]
        return notes_of(results.provenance, own, self._metric.is_oracle)
