"""Whether the label-free validators would have chosen well, and where they were shaped."""

from __future__ import annotations

from collections.abc import Sequence

from sfcmt.evaluation.cross_fit import DIVISIONS
from sfcmt.reports.sources.evidence import Evidence, Provenance, interval_text
from sfcmt.reports.sources.results import Results
from sfcmt.reports.sources.search import SearchResults
from sfcmt.reports.statistics.accountability import (
    MIN_SETS,
    Accountability,
    Judgement,
    OverSets,
    Pool,
    SetMean,
)
from sfcmt.reports.tables.model import Cell, Column, Table, label, missing
from sfcmt.reports.tables.notes import notes_of
from sfcmt.reports.tables.numbers import Metric, size_text
from sfcmt.tuning.search.scoring import RANKED_FROM
from sfcmt.validators import shapers

_REGRET = Metric("oracle/regret")
_SHAPED = "\N{DOUBLE DAGGER}"
_CROSS_FITTED = (
    "Regret, cross-fitted over frames: the best model is found on one half of them and valued on the other, less the "
    f"validator's pick there, over {DIVISIONS} divisions both ways; negative where the pick is better than that one"
)
_SEEN = (
    "Regret: balanced accuracy of the best model less that of the validator's pick, on the images that show it to be "
    "the best: a noisy maximum, so that regrets are too large. Cross-fitted ones are missing: a study of an earlier "
    "release is among these, or too few frames"
)


def _pool_text(results: Results) -> str:
    searched = isinstance(results, SearchResults) and results.study.record.few_labels
    return f" (a pool that was searched {searched.text})" if searched else ""


class AccountabilityTable:
    """Makes the table's cells: a row for each validator, a column for each data set."""

    def __init__(self, studies: Sequence[Results], pools: Sequence[Pool], judgement: Judgement) -> None:
        self._pools, self._judgement = pools, judgement
        self._provenance = Provenance.of_several(
            one.provenance.selected(f"each validator's own pick from the pool, without labels{_pool_text(one)}")
            for one in studies
        )
        self._data = list(dict.fromkeys(pool.data for pool in pools))

    def table(self, name: str) -> Table:
        """The least regret first."""
        regret = [f"regret on {data}" if len(self._data) > 1 else "regret" for data in self._data]
        columns = (
            Column("validator", is_number=False),
            Column("pools"),
            *(Column(title, is_oracle=True) for title in regret),
            *([Column("mean regret [95 %]", is_oracle=True)] if len(self._data) > 1 else []),
            Column("worst regret", is_oracle=True),
            Column("Spearman", is_oracle=True),
        )
        rows = tuple(map(self._row, self._judgement.rows))
        notes = notes_of(self._provenance, self._notes(), True)
        return Table(name, "Validators, judged by the labels: regret in points", columns, rows, notes)

    def _row(self, row: Accountability) -> tuple[Cell, ...]:
        pools = [pool for one in row.sets.values() for pool in one.pools]
        return (
            label(row.validator),
            Cell(str(len(pools)), self._evidence(f"{len(pools)} pools", pools)),
            *(self._on(row.sets.get(data)) for data in self._data),
            *([self._mean(row)] if len(self._data) > 1 else []),
            self._worst(row),
            self._rank(row),
        )

    def _on(self, found: SetMean | None) -> Cell:
        if found is None:
            return missing("no pool of this data set knows it")
        evidence = self._evidence(f"{len(found.pools)} pools", found.pools)
        hint = f"{'shaped on this data set; ' if found.is_shaped else ''}worst pool: {_REGRET.value(found.worst)}"
        text = _REGRET.value(found.regret) + (f" {_SHAPED}" if found.is_shaped else "")
        return Cell(text, evidence, "" if found.counts else "quiet", hint)

    def _mean(self, row: Accountability) -> Cell:
        if row.regret.value is None:
            return missing(_NONE)
        limits = f" {_REGRET.limits(row.regret.interval)}" if row.regret.interval else ""
        return Cell(_REGRET.value(row.regret.value) + limits, self._over(row, row.regret))

    def _worst(self, row: Accountability) -> Cell:
        return missing(_NONE) if row.worst is None else Cell(_REGRET.value(row.worst), self._over(row, row.regret))

    def _rank(self, row: Accountability) -> Cell:
        found = row.spearman
        if found.value is None:
            why = f"the models cannot be ranked: fewer than {RANKED_FROM}, or too many equal ones"
            return missing(why if row.regret.n else _NONE)
        limits = f" [{size_text(found.interval.low)}, {size_text(found.interval.high)}]" if found.interval else ""
        return Cell(size_text(found.value) + limits, self._over(row, found))

    def _over(self, row: Accountability, found: OverSets) -> Evidence:
        pools = [pool for one in row.sets.values() if one.counts for pool in one.pools]
        interval = interval_text(found.interval) if found.interval else f"missing (below {MIN_SETS} data sets)"
        return self._evidence(f"{found.n} data sets, {len(pools)} pools", pools, interval)

    def _evidence(self, n: str, pools: Sequence[Pool], interval: str = "missing (one data set)") -> Evidence:
        return self._provenance.evidence(n, sorted({pool.seed for pool in pools}), interval)

    def _notes(self) -> list[str]:
        apart = sorted({pool.data for pool in self._pools if pool.is_synthetic})
        is_shaped = any(one.is_shaped for row in self._judgement.rows for one in row.sets.values())
        return [
            "A pool: the completed trials of a search, or the arms of an ablation under one seed. Those of one data "
            "set share models and images, so a data set counts once, by the mean over its pools",
            _CROSS_FITTED if self._judgement.is_cross_fitted else _SEEN,
            f"Spearman: rank correlation with balanced accuracy, over pools of {RANKED_FROM} models or more",
            *([f"{_SHAPED} The validator was shaped on this data set, which is in none of its summaries"] * is_shaped),
            *([f"{', '.join(apart)}: synthetic, and in no summary"] if apart and len(self._data) > 1 else []),
            f"Intervals by t over data sets, from {MIN_SETS} on; test: none; correction: none",
        ]


_NONE = "there is no data set here that it was not shaped on"


def shaping_table(names: Sequence[str], name: str) -> Table | None:
    """On which data sets validators say that they were shaped; None if none says so."""
    told = {one: shapers(one) for one in names}
    if not any(sets is None or sets for sets in told.values()):
        return None
    columns = (Column("validator", is_number=False), Column("shaped on", is_number=False))
    rows = tuple((label(one), _shaped(sets)) for one, sets in told.items())
    notes = ("What validators declare: the data sets whose labels were looked at when they got their form.",)
    return Table(name, "Where validators were shaped", columns, rows, notes)


def _shaped(sets: Sequence[str] | None) -> Cell:
    if sets is None:
        return missing("it cannot be loaded here, so what it was shaped on is not known")
    return label(", ".join(one.replace("@", " ") for one in sets) or "none declared")
