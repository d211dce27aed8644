"""Whether label-free validators chose well: their regret and rank correlation, by data set.

Pools of one data set share source models, baselines and images, so that they are no independent evidence: each data
set counts once, by the mean over its pools, and an interval of the mean over data sets is there from `MIN_SETS` on.
Left out of that mean are data sets that a validator was shaped on, and synthetic ones where there are real ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.statistics.intervals import t_interval
from sfcmt.reports.statistics.samples import StatisticsError

MIN_SETS = 5
"""Data sets below which a mean over them has no interval."""
CROSS_FITTED, SEEN, SPEARMAN = "cross_fitted_regret", "regret", "spearman"
"""What is known of a validator in a pool. `SEEN` is the regret against the best model as it is seen."""


@dataclass(frozen=True)
class Pool:
    """Models of one seed that validators could have chosen from, judged by the labels after all selections."""

    name: str
    seed: int
    models: int
    data: str
    is_synthetic: bool
    shaped: Set[str]
    """Validators that were shaped on this data set."""
    validators: Mapping[str, Mapping[str, float | None]]


@dataclass(frozen=True)
class SetMean:
    """One validator on one data set: means over its pools. Regrets are in class-balanced accuracy."""

    data: str
    pools: tuple[Pool, ...]
    is_shaped: bool
    """Whether the validator was shaped on it."""
    counts: bool
    """Whether it is in the mean over data sets."""
    regret: float
    worst: float
    """The largest of its pools'."""
    spearman: float | None
    """Over the pools whose models could be ranked; None if none could."""


@dataclass(frozen=True)
class OverSets:
    """A mean over n data sets; None if there is none."""

    value: float | None
    n: int
    interval: Interval | None
    """By t over data sets; None below `MIN_SETS`."""


@dataclass(frozen=True)
class Accountability:
    """One validator."""

    validator: str
    sets: Mapping[str, SetMean]
    regret: OverSets
    worst: float | None
    """Of all pools of the data sets that count."""
    spearman: OverSets


@dataclass(frozen=True)
class Judgement:
    """All validators, the smallest mean regret first."""

    rows: tuple[Accountability, ...]
    is_cross_fitted: bool
    """Whether regrets are cross-fitted: only if all of them can be."""


def accountability(pools: Sequence[Pool], level: float = 0.95) -> Judgement:
    """Judge each validator by the pools that know it. Raises `StatisticsError` if a pool comes twice."""
    names = [pool.name for pool in pools]
    if len(set(names)) < len(names):
        raise StatisticsError(f"pools {', '.join(names)}: one of them comes twice")
    told = [found for pool in pools for found in pool.validators.values()]
    is_cross_fitted = bool(told) and all(found.get(CROSS_FITTED) is not None for found in told)
    validators = dict.fromkeys(name for pool in pools for name in pool.validators)
    rows = [_row(name, pools, CROSS_FITTED if is_cross_fitted else SEEN, level) for name in validators]
    rows.sort(key=lambda row: (row.regret.value is None, row.regret.value or 0, row.validator))
    return Judgement(tuple(rows), is_cross_fitted)


def _row(name: str, pools: Sequence[Pool], measure: str, level: float) -> Accountability:
    is_real = not all(pool.is_synthetic for pool in pools)
    by_data: dict[str, list[Pool]] = {}
    for pool in pools:
        if name in pool.validators:
            by_data.setdefault(pool.data, []).append(pool)
    sets = {data: _set(name, data, own, measure, is_real) for data, own in by_data.items()}
    counted = [one for one in sets.values() if one.counts]
    return Accountability(
        name,
        sets,
        _over([one.regret for one in counted], level),
        max((one.worst for one in counted), default=None),
        _over([one.spearman for one in counted if one.spearman is not None], level),
    )


def _set(name: str, data: str, pools: list[Pool], measure: str, is_real: bool) -> SetMean:
    regrets = [value for pool in pools if (value := pool.validators[name][measure]) is not None]
    ranks = [rank for pool in pools if (rank := pool.validators[name][SPEARMAN]) is not None]
    is_shaped = any(name in pool.shaped for pool in pools)
    return SetMean(
        data,
        tuple(pools),
        is_shaped,
        not is_shaped and not (is_real and pools[0].is_synthetic),
        float(np.mean(regrets)),
        max(regrets),
        float(np.mean(ranks)) if ranks else None,
    )


def _over(values: list[float], level: float) -> OverSets:
    if not values:
        return OverSets(None, 0, None)
    array = np.array(values, dtype=np.float64)
    return OverSets(float(array.mean()), len(values), t_interval(array, level) if len(values) >= MIN_SETS else None)
