"""Means, interquartile means and their intervals."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import norm

from sfcmt.reports.statistics.estimates import iqm_of, mean_of, pooled
from sfcmt.reports.statistics.intervals import bootstrap_limits, mean
from sfcmt.reports.statistics.samples import StatisticsError

DARWIN = dict(enumerate([49.0, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]))
"""Cross- minus self-fertilised maize, in eighths of an inch (Fisher 1935, chapter 3)."""


def test_the_t_interval_of_darwins_maize() -> None:
    estimate = mean_of(DARWIN)
    assert (estimate.n, estimate.seeds) == (15, tuple(range(15)))
    assert estimate.value == pytest.approx(20.933, abs=1e-3)
    assert estimate.interval is not None
    # published: 95 % from 0.03 to 41.8
    assert (estimate.interval.low, estimate.interval.high) == pytest.approx((0.03, 41.84), abs=0.01)
    assert (estimate.interval.level, estimate.interval.method) == (0.95, "t")
    assert 0 not in estimate.interval


def test_iqm_leaves_the_outer_quarters_out() -> None:
    assert iqm_of({0: 100.0, 1: 2.0, 2: 1.0, 3: 3.0, 4: -50.0}).value == 2.0  # one from each end
    assert iqm_of(dict(enumerate([0.0, 0, 1, 2, 3, 4, 9, 9]))).value == 2.5  # two


def test_the_bootstrap_against_all_resamples() -> None:
    """All 256 resamples of four values, at the percentiles of the expanded level."""
    values = np.array([0.0, 1.0, 3.0, 7.0])
    t = 5.841  # 99.5 % with 3 degrees of freedom, from a table
    tail = norm.cdf(-np.sqrt(4 / 3) * 1.638)  # 90 %
    assert t > 1.638
    exact = np.quantile([np.mean(some) for some in itertools.product(values, repeat=4)], [tail, 1 - tail])
    low, high = bootstrap_limits((values,), mean, level=0.8)
    assert (float(low), float(high)) == pytest.approx(tuple(exact), abs=0.15)


def test_a_single_seed_has_no_interval_and_equal_ones_one_of_no_width() -> None:
    assert mean_of({4: 0.5}).interval is None
    assert iqm_of({4: 0.5}).interval is None
    for estimate in (mean_of({1: 0.25, 2: 0.25, 3: 0.25}), iqm_of({1: 0.25, 2: 0.25, 3: 0.25})):
        assert estimate.interval is not None
        assert estimate.interval.low == estimate.interval.high == 0.25


def test_pooling_resamples_within_each_data_set() -> None:
    """Two data sets far apart: resampled as one heap, the interval would span them."""
    samples = {"sun": {0: 0.0, 1: 0.1, 2: 0.2}, "diml": {0: 10.0, 1: 10.1, 2: 10.3}}
    estimate = pooled(samples, "mean")
    assert estimate.value == pytest.approx(30.7 / 6)
    assert (estimate.n, estimate.seeds) == (6, {"sun": (0, 1, 2), "diml": (0, 1, 2)})
    assert estimate.interval is not None
    assert 0.1 < estimate.interval.high - estimate.interval.low < 0.3
    assert pooled({**samples, "nir": {0: 5.0}}, "mean").interval is None
    assert pooled(samples).statistic == "IQM"
    assert pooled(samples) == pooled(samples)


def test_what_is_refused() -> None:
    with pytest.raises(StatisticsError, match="median"):
        pooled({"sun": {0: 1.0}}, "median")
    with pytest.raises(StatisticsError, match="0 data sets"):
        pooled({})
    with pytest.raises(StatisticsError, match="level 95"):
        mean_of({0: 1.0, 1: 2.0}, level=95)
