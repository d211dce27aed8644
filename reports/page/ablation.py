"""The sections of an ablation."""

from __future__ import annotations

from dataclasses import replace

from reports.figures.forest import ForestRow, forest
from reports.figures.strip import strip
from reports.findings.arms import ArmFinding, arm_findings
from reports.findings.effects import effects_of
from reports.page.blocks import Block, Chart, Grid, Headline, Section, Text
from reports.page.shared import again, by_class, cost, samples, studied
from reports.sources.ablation import AblationResults
from reports.sources.evidence import MISSING
from reports.tables.arms import BY_RULE, CORRECTIONS, TESTS, ArmsTable
from reports.tables.effects import effect_text, effects_table
from reports.tables.model import Cell, missing
from reports.tables.numbers import Metric, level_text
from reports.tables.validators import validators_table


class AblationPage:
    """One ablation, under a label that is unique on the page."""

    def __init__(self, label: str, results: AblationResults) -> None:
        self._label, self._results = label, results
        self._metric = Metric(results.spec.test.column)
        self._findings = arm_findings(results)
        self._arms = ArmsTable(results, self._findings, self._metric, f"{label}-arms").table()

    def sections(self) -> list[Section]:
        """From what was asked to how it is run again."""
        results, label = self._results, self._label
        baseline = results.runs_of(results.baseline)
        first = Section(
            label, f"Ablation {label}", [*self._headline(), studied(label, "ablation", results, self._asked())]
        )
        scores = validators_table(results, f"{label}-validators")
        return [
            first,
            Section(f"{label}-arms", "Arms", self._arm_blocks(), level=3),
            *([self._effects()] if results.is_factorial else []),
            *([Section(f"{label}-validators", "Label-free scores", [Grid(scores)], level=3)] if scores else []),
            by_class(
                label,
                results,
                {arm: results.runs_of(arm) for arm in results.arms},
                results.baseline,
                results.provenance,
                results.level,
            ),
            samples(label, results, baseline[0]),
            cost(label, results),
            again(label, results),
        ]

    def _asked(self) -> list[tuple[str, str]]:
        spec = self._results.spec
        return [
            ("design", f"{spec.design.replace('_', ' ')}, {len(self._results.arms)} arms"),
            ("baseline", self._results.baseline),
            *(
                (f"factor {name}", ", ".join(f"{field}={value}" for field, value in changes.items()))
                for name, changes in spec.factors.items()
            ),
            ("compared", f"{self._metric.name}{' (oracle)' if self._metric.is_oracle else ''}"),
            ("test", f"{self._test}, correction {CORRECTIONS[spec.test.correction]}, alpha {spec.test.alpha:g}"),
            ("selection", self._results.provenance.selection),
        ]

    @property
    def _test(self) -> str:
        if self._results.is_factorial:
            return "least squares over all arms, seeds as blocks"
        return BY_RULE if self._results.checked.stopping_rule() else TESTS[self._results.spec.test.kind]

    def _headline(self) -> list[Block]:
        """The baseline, and the arm that differs most."""
        places = {column.title: place for place, column in enumerate(self._arms.columns)}
        mean, difference = (
            next(at for title, at in places.items() if title.startswith(key)) for key in ("mean", "difference")
        )
        base = next(place for place, one in enumerate(self._findings) if one.is_baseline)
        numbers = [
            (f"{self._metric.title} of {self._results.baseline}, mean {self._limits}", self._arms.rows[base][mean])
        ]
        others = [(abs(one.difference.mean), -place) for place, one in enumerate(self._findings) if one.difference]
        if others:
            most = -max(others)[1]
            title = f"largest difference, of {self._findings[most].arm} {self._limits}"
            chosen = f"the largest of {len(others)} differences: shown for its size"
            numbers.append((title, replace(self._arms.rows[most][difference], hint=chosen)))
        return [Headline((*numbers, self._count()))]

    @property
    def _limits(self) -> str:
        return f"[{level_text(self._results.level)}]"

    def _count(self) -> tuple[str, Cell]:
        compared = [one for one in self._findings if one.difference]
        if self._results.is_factorial:
            return "arms differ", Cell("see the effects", tone="quiet", hint="the design is judged by its effects")
        if not compared:
            return "arms differ", missing("no arm has a seed in common with the baseline")
        clear = sum(one.is_clear for one in compared)
        cell = next(row[5] for row, one in zip(self._arms.rows, self._findings, strict=True) if one is compared[0])
        evidence = cell.evidence
        return "arms that differ from the baseline, by the study's own test", Cell(
            f"{clear} of {len(compared)}", evidence
        )

    def _arm_blocks(self) -> list[Block]:
        metric, label = self._metric, self._label
        told = f"{metric.title}{' (oracle)' if metric.is_oracle else ''}"
        values = [
            self._value_row(one, row[3]) for one, row in zip(self._findings, self._arms.rows, strict=True) if one.mean
        ]
        others = [(one, row[5]) for one, row in zip(self._findings, self._arms.rows, strict=True) if one.difference]
        charts: list[Block] = []
        if others:
            caption = f"Differences from {self._results.baseline} with intervals; ticks: seeds; filled: clear."
            rows = [self._difference_row(one, cell) for one, cell in others]
            charts.append(Chart(forest(f"{label}-differences", caption, rows, f"difference in {told}", metric.scale)))
        if values:
            caption = "Every seed's value, with the mean and its interval."
            charts.append(Chart(strip(f"{label}-values", caption, values, told, metric.scale)))
        return [Grid(self._arms), *charts]

    def _value_row(self, one: ArmFinding, cell: Cell) -> ForestRow:
        assert one.mean is not None
        points = tuple(one.sample[seed] for seed in sorted(one.sample))
        return ForestRow(
            one.arm, one.mean.value, one.mean.interval, points, False, f"{one.arm}: {cell.text}\n{cell.tip}"
        )

    def _difference_row(self, one: ArmFinding, cell: Cell) -> ForestRow:
        assert one.difference is not None
        base = next(found.sample for found in self._findings if found.is_baseline)
        points = tuple(one.sample[seed] - base[seed] for seed in one.difference.seeds)
        tip = f"{one.arm}: {cell.text}\n{cell.tip}"
        return ForestRow(one.arm, one.difference.mean, one.difference.interval, points, one.is_clear, tip)

    def _effects(self) -> Section:
        section = Section(f"{self._label}-effects", "Effects", level=3)
        found = effects_of(self._results)
        if found.analysis is None:
            section.blocks.append(Text(f"Effects: {MISSING} ({found.reason})."))
            return section
        table = effects_table(self._results, found, self._metric, f"{self._label}-effects")
        rows = [
            ForestRow(
                effect_text(effect.name),
                effect.value,
                effect.interval,
                (),
                found.corrected[effect.name].is_rejected,
                f"{effect_text(effect.name)}: {row[2].text}\n{row[2].tip}",
            )
            for effect, row in zip(found.analysis.effects, table.rows, strict=True)
        ]
        caption = "Main effects and interactions with intervals; filled: clear after correction."
        drawing = forest(f"{self._label}-effects", caption, rows, f"effect on {self._metric.title}", self._metric.scale)
        section.blocks.extend([Grid(table), Chart(drawing)])
        return section
