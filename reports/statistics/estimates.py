"""One arm by itself: its mean and its interquartile mean, over the seeds of one data set or of several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.statistics.intervals import bootstrap_interval, iqm, mean, t_interval
from sfcmt.reports.statistics.samples import Sample, StatisticsError, values_of


@dataclass(frozen=True)
class Estimate:
    """A statistic of one arm."""

    statistic: str
    value: float
    n: int
    seeds: tuple[int, ...]
    interval: Interval | None
    """None for a single seed."""


@dataclass(frozen=True)
class PooledEstimate:
    """A statistic of one arm over all runs on several data sets."""

    statistic: str
    value: float
    n: int
    seeds: Mapping[str, tuple[int, ...]]
    """By data set."""
    interval: Interval | None
    """By a bootstrap within each data set; None if one has a single seed."""


def mean_of(sample: Sample, level: float = 0.95, is_share: bool = False) -> Estimate:
    """The mean with a t interval, which ends at 0 and 1 if values are shares. Raises `StatisticsError`."""
    seeds, values = values_of(sample)
    interval = t_interval(values, level)
    if interval and is_share:
        interval = interval.within(0, 1)
    return Estimate("mean", float(mean(values)), len(seeds), seeds, interval)


def iqm_of(sample: Sample, level: float = 0.95) -> Estimate:
    """The interquartile mean with an expanded bootstrap interval. Raises `StatisticsError`."""
    seeds, values = values_of(sample)
    return Estimate("IQM", float(iqm(values)), len(seeds), seeds, bootstrap_interval((values,), iqm, level))


_STATISTICS = {"mean": mean, "IQM": iqm}


def pooled(samples: Mapping[str, Sample], statistic: str = "IQM", level: float = 0.95) -> PooledEstimate:
    """The `mean` or `IQM` of all runs of samples by data set; give differences for a comparison of two arms.

    Runs are resampled within their data set only: the interval is for these data sets under new seeds, and says nothing
    of other data sets. Raises `StatisticsError`.
    """
    if statistic not in _STATISTICS or not samples:
        raise StatisticsError(f"{statistic} of {len(samples)} data sets: one of mean, IQM of at least one is needed")
    checked = {name: values_of(sample) for name, sample in samples.items()}
    strata = tuple(values for _, values in checked.values())
    runs, function = np.concatenate(strata), _STATISTICS[statistic]
    seeds = {name: seeds for name, (seeds, _) in checked.items()}
    return PooledEstimate(
        statistic, float(function(runs)), len(runs), seeds, bootstrap_interval(strata, function, level)
    )
