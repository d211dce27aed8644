"""The arms of an ablation: headline, table and figures."""

from __future__ import annotations

from dataclasses import replace

from sfcmt.reports.figures.forest import ForestRow, forest
from sfcmt.reports.figures.strip import strip
from sfcmt.reports.findings.arms import ArmFinding, arm_findings
from sfcmt.reports.page.blocks import Block, Chart, Facts, Grid
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.tables.arms import DIFFERENCE, MEAN, ArmsTable
from sfcmt.reports.tables.judging import Judging
from sfcmt.reports.tables.model import Cell, missing
from sfcmt.reports.tables.numbers import Metric, level_text

Number = tuple[str, Cell]


class ArmBlocks:
    """What is shown of the arms."""

    def __init__(self, label: str, results: AblationResults) -> None:
        self._label, self._results = label, results
        self._metric = Metric(results.spec.test.column)
        findings = arm_findings(results)
        self.judging = Judging(results, findings, self._metric.is_oracle)
        table = ArmsTable(findings, self._metric, results, self.judging).table(f"{label}-arms")
        self._table, self._pairs = table, list(zip(findings, table.rows, strict=True))

    def headline(self) -> list[Number]:
        """The baseline, the arm that differs most, and how many differ."""
        base = next(row for one, row in self._pairs if one.is_baseline)
        level = level_text(self._results.level)
        first = (f"{self._metric.title} of {self._results.baseline}, mean [{level}]", base[MEAN])
        compared = [(abs(one.difference.mean), one, row) for one, row in self._pairs if one.difference]
        if not compared:
            return [first, ("differences", missing("no arm has a seed in common with the baseline"))]
        _, most, row = max(compared, key=lambda item: item[0])
        chosen = f"the largest of {len(compared)} differences: shown for its size"
        title = f"largest difference, of {most.arm} [{self.judging.interval}]"
        return [first, (title, replace(row[DIFFERENCE], hint=chosen)), *self._count()]

    def blocks(self) -> list[Block]:
        """The table, what it says in words, and its figures."""
        told = f"{self._metric.title}{' (oracle)' if self._metric.is_oracle else ''}"
        values = [_value_row(one, row[MEAN]) for one, row in self._pairs if one.mean]
        others = [self._difference_row(one, row[DIFFERENCE]) for one, row in self._pairs if one.difference]
        charts: list[Block] = []
        if others:
            caption = f"Differences from {self._results.baseline} with intervals; ticks: seeds; filled: clear."
            drawing = forest(f"{self._label}-differences", caption, others, f"difference in {told}", self._metric.scale)
            charts.append(Chart(drawing))
        if values:
            caption = "Every seed's value, with the mean and its interval."
            charts.append(Chart(strip(f"{self._label}-values", caption, values, told, self._metric.scale)))
        return [Grid(self._table), *self._verdicts(), *charts]

    def _count(self) -> list[Number]:
        if self._results.is_factorial:
            return []
        compared = [(one, row) for one, row in self._pairs if one.difference]
        clear = sum(one.is_clear for one, _ in compared)
        title = "arms that differ from the baseline, by the study's own test"
        return [(title, Cell(f"{clear} of {len(compared)}", compared[0][1][DIFFERENCE].evidence))]

    def _verdicts(self) -> list[Block]:
        """Which arms the study's own test tells from the baseline, and which it does not: what made no difference."""
        compared = [(one, one.difference.mean) for one, _ in self._pairs if one.difference]
        if self._results.is_factorial or not compared:
            return []
        base = self._results.baseline
        arms = {
            f"clearly below {base}": [one.arm for one, difference in compared if one.is_clear and difference < 0],
            f"clearly above {base}": [one.arm for one, difference in compared if one.is_clear and difference > 0],
            f"not told apart from {base}": [one.arm for one, _ in compared if not one.is_clear],
        }
        return [Facts(tuple((verdict, Cell(", ".join(names) or "no arm")) for verdict, names in arms.items()))]

    def _difference_row(self, one: ArmFinding, cell: Cell) -> ForestRow:
        assert one.difference is not None
        base = next(found.sample for found, _ in self._pairs if found.is_baseline)
        points = tuple(one.sample[seed] - base[seed] for seed in one.difference.seeds)
        tip = f"{one.arm}: {cell.text}\n{cell.tip}"
        return ForestRow(one.arm, one.difference.mean, one.interval, points, one.is_clear, tip)


def _value_row(one: ArmFinding, cell: Cell) -> ForestRow:
    assert one.mean is not None
    points = tuple(one.sample[seed] for seed in sorted(one.sample))
    return ForestRow(one.arm, one.mean.value, one.mean.interval, points, False, f"{one.arm}: {cell.text}\n{cell.tip}")
