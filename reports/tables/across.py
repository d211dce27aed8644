"""Several studies in one table: arms and methods by data sets."""

from __future__ import annotations

from collections.abc import Callable

from sfcmt.reports.findings.across import Across, BySeed
from sfcmt.reports.sources.evidence import Provenance, interval_text, seeds_text
from sfcmt.reports.sources.runs import is_share
from sfcmt.reports.statistics.estimates import mean_of, pooled
from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.tables.model import Cell, Column, Table, label, missing
from sfcmt.reports.tables.notes import notes_of
from sfcmt.reports.tables.numbers import Metric, level_text


class AcrossTable:
    """Means by data set, and interquartile means over the runs on all of them."""

    def __init__(self, found: Across, level: float) -> None:
        self._found, self._level, self._metric = found, level, Metric(found.column)

    def table(self, name: str) -> Table:
        """Arms in the order in which the studies name them."""
        found, metric, limits = self._found, self._metric, f"[{level_text(self._level)}]"
        pools = ["IQM of all", "IQM of differences"] if found.is_poolable else []
        titles = [*found.studies, *pools]
        columns = (
            Column("arm", is_number=False),
            *(Column(f"{one} {limits}", True, metric.is_oracle) for one in titles),
        )
        together = Provenance.of_several(one for own in found.provenances.values() for one in own.values())
        title = f"{metric.heading}, by data set"
        notes = notes_of(together, self._notes(), metric.is_oracle)
        return Table(name, title, columns, tuple(map(self._row, found.values)), notes)

    def _notes(self) -> list[str]:
        seeds = {seed for by_study in self._found.values.values() for sample in by_study.values() for seed in sample}
        pool = (
            "IQM over all runs, and over their paired differences from the baseline, with a bootstrap in each data set"
        )
        if apart := [study for study in self._found.studies if study not in self._found.pooled]:
            pool = f"{pool}; without {', '.join(apart)}, which is synthetic"
        shared = "IQM over all: missing, since studies share a data set and runs would be counted twice"
        return [
            "Mean over seeds with t intervals; arms are matched by their names",
            pool if self._found.is_poolable else shared,
            f"n: seeds with a value, of {seeds_text(sorted(seeds))}; test: none; correction: none",
        ]

    def _row(self, arm: str) -> tuple[Cell, ...]:
        cells = [label(arm), *(self._one(arm, study) for study in self._found.studies)]
        if self._found.is_poolable:
            cells.append(self._pooled(arm, self._found.values, self._metric.value))
            is_compared = arm in self._found.differences
            own = Cell("oracle" if arm.startswith("oracle_") else "baseline", tone="quiet")
            cells.append(
                own if not is_compared else self._pooled(arm, self._found.differences, self._metric.difference)
            )
        return tuple(cells)

    def _one(self, arm: str, study: str) -> Cell:
        if not (sample := self._found.values[arm].get(study)):
            return missing("the study has no value of it")
        mean = mean_of(sample, self._level, is_share(self._found.column))
        origin = self._found.provenances[arm][study]
        evidence = origin.evidence(mean.n, mean.seeds, interval_text(mean.interval))
        return Cell(f"{self._metric.value(mean.value)} {self._limits(mean.interval, self._metric.value)}", evidence)

    def _pooled(self, arm: str, samples: BySeed, write: Callable[[float], str]) -> Cell:
        own = {study: sample for study in self._found.pooled if (sample := samples[arm].get(study))}
        if absent := [study for study in self._found.pooled if study not in own]:
            return missing(f"no value on {', '.join(absent)}")
        found = pooled(own, "IQM", self._level)
        seeds = "; ".join(f"{study}: {seeds_text(given)}" for study, given in found.seeds.items())
        origin = Provenance.of_several(self._found.provenances[arm].values())
        evidence = origin.evidence(f"{found.n} runs", seeds, interval_text(found.interval))
        return Cell(f"{write(found.value)} {self._limits(found.interval, write)}", evidence)

    def _limits(self, interval: Interval | None, write: Callable[[float], str]) -> str:
        return f"[{write(interval.low)}, {write(interval.high)}]" if interval else "[missing]"
