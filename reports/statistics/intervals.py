"""Intervals of a mean and of other statistics, from very few values.

Which one is used for what was chosen by measuring their coverage (`python -m benchmarks.coverage`). With 5 normal
values the percentile and the BCa bootstrap of the mean cover 84 % in place of 95 %, the t interval 95 %: means get t.
With skewed (exponential) values none covers a mean fully: t 87 % with 5 and 90 % with 10, the bootstraps 9 and 4 points
less. The interquartile mean, for which there is no exact interval, gets the expanded percentile bootstrap: 93 to 94 %
with 5 values, 97 % with 10. So do means and interquartile means over several data sets: 94 to 96 %, but 91 to 93 % for
means of skewed values.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats

from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.statistics.samples import Array, StatisticsError
from sfcmt.tuning.ablation.student import t_limits

RESAMPLES = 9999
T_INTERVAL, EXPANDED_BOOTSTRAP = "t", "expanded percentile bootstrap"


def mean(values: Array, axis: int = -1) -> Array:
    """The mean."""
    return np.asarray(np.mean(values, axis=axis))


def iqm(values: Array, axis: int = -1) -> Array:
    """The interquartile mean: without the lowest and the highest quarter, rounded down (Agarwal et al. 2021)."""
    return np.asarray(stats.trim_mean(values, 0.25, axis=axis))


def bootstrap_limits(
    strata: tuple[Array, ...], statistic: Callable[..., Array], level: float = 0.95, resamples: int = RESAMPLES
) -> tuple[Array, Array]:
    """Expanded percentile limits for a statistic of values, each stratum (..., n_s) being resampled by itself.

    The percentiles are those of a level that makes up for what the plain bootstrap of few values lacks, the factor
    n / (n - 1) of the variance (n: of the smallest stratum) and the tails of t with sum (n_s - 1) degrees of freedom:
    1 - 2 Phi(-sqrt(n / (n - 1)) t), after Hesterberg 2015 (arXiv 1411.5279). The random numbers are always the same,
    so that a report is.
    """
    sizes = [stratum.shape[-1] for stratum in strata]
    t = stats.t.ppf((1 + level) / 2, sum(sizes) - len(sizes))
    expanded = 1 - 2 * stats.norm.cdf(-np.sqrt(min(sizes) / (min(sizes) - 1)) * t)

    def of_all(*samples: Array, axis: int = -1) -> Array:
        return statistic(np.concatenate(samples, axis=axis), axis=axis)

    limits = stats.bootstrap(
        strata, of_all, n_resamples=resamples, batch=100, axis=-1, confidence_level=expanded, method="percentile", rng=0
    ).confidence_interval
    return np.asarray(limits.low), np.asarray(limits.high)


def t_interval(values: Array, level: float = 0.95) -> Interval | None:
    """Of the mean of values (n,); None for a single one."""
    _check(level)
    if len(values) < 2:
        return None
    low, high = t_limits(values, level)
    return Interval(float(low), float(high), level, T_INTERVAL)


def bootstrap_interval(
    strata: tuple[Array, ...], statistic: Callable[..., Array], level: float = 0.95
) -> Interval | None:
    """Of a statistic of all values, of strata (n_s,); None if a stratum has a single one."""
    _check(level)
    if min(map(len, strata)) < 2:
        return None
    low, high = bootstrap_limits(strata, statistic, level)
    return Interval(float(low), float(high), level, EXPANDED_BOOTSTRAP)


def _check(level: float) -> None:
    if not 0 < level < 1:
        raise StatisticsError(f"level {level}: a share between 0 and 1 is needed")
