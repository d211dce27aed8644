"""A ratio of two means over the same seeds."""

from __future__ import annotations

import numpy as np
from scipy import stats

from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.statistics.samples import Array, StatisticsError

FIELLER = "Fieller, t over seeds"


def fieller(numerator: Array, denominator: Array, level: float = 0.95) -> Interval:
    """Of the ratio of their means, from values (n,) of the same n > 1 seeds (Fieller 1954).

    All r for which the mean of numerator - r denominator is not told from 0 by a t-test:

        (u - r v)^2 <= t^2 (s_uu - 2 r s_uv + r^2 s_vv) / n

    Raises `StatisticsError` where the denominator is not told from 0: then there may be no limit to r.
    """
    n = len(denominator)
    covariance = np.cov(numerator, denominator) * stats.t.ppf((1 + level) / 2, n - 1) ** 2 / n
    u, v = float(numerator.mean()), float(denominator.mean())
    a, b, c = v**2 - covariance[1, 1], u * v - covariance[0, 1], u**2 - covariance[0, 0]
    if a <= 0:
        raise StatisticsError(f"the denominator, {v:.3g} on average over {n} seeds, is not told from 0")
    half = float(np.sqrt(max(b**2 - a * c, 0)))
    return Interval(float(b - half) / a, float(b + half) / a, level, FIELLER)
