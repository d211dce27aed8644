"""Fieller's interval: by the t-tests that it stands for, and by how often it holds the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from sfcmt.reports.statistics.ratio import fieller
from sfcmt.reports.statistics.samples import StatisticsError

OWN, MOST = np.array([0.18, 0.20, 0.17, 0.21, 0.16]), np.array([0.30, 0.36, 0.33, 0.35, 0.31])


def test_its_ends_are_where_a_t_test_has_that_p_value() -> None:
    found = fieller(OWN, MOST, 0.9)
    for end in (found.low, found.high):
        assert stats.ttest_1samp(OWN - end * MOST, 0).pvalue == pytest.approx(0.1)
    assert OWN.mean() / MOST.mean() in found
    assert found.level == 0.9


def test_nothing_and_all_have_no_error() -> None:
    for share in (0.0, 1.0, -0.5):
        found = fieller(share * MOST, MOST)
        assert (found.low, found.high) == pytest.approx((share, share), abs=1e-7)


def test_it_needs_a_denominator_that_is_told_from_0() -> None:
    with pytest.raises(StatisticsError, match="not told from 0"):
        fieller(OWN, MOST - 0.33)
    wide = fieller(OWN, MOST - MOST.mean() + 1.05 * stats.t.ppf(0.975, 4) * stats.sem(MOST))
    assert wide.high - wide.low > 10 * (fieller(OWN, MOST).high - fieller(OWN, MOST).low)


def test_it_holds_the_truth_as_often_as_it_says() -> None:
    """With 5 seeds, values that share much, and a gap of some four standard errors."""
    generator = np.random.default_rng(0)
    held = 0
    for _ in range(800):
        shared = generator.normal(0, 0.03, 5)
        most = 0.10 + shared + generator.normal(0, 0.03, 5)
        own = 0.06 + 0.5 * shared + generator.normal(0, 0.03, 5)
        try:
            held += 0.6 in fieller(own, most)
        except StatisticsError:  # all ratios are possible, or all but some
            covariance = np.cov(own - 0.6 * most)
            held += bool((own - 0.6 * most).mean() ** 2 <= stats.t.ppf(0.975, 4) ** 2 * covariance / 5)
    assert stats.binom.ppf(1e-4, 800, 0.95) <= held <= stats.binom.ppf(1 - 1e-4, 800, 0.95)
