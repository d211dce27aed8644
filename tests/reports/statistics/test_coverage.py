"""Over simulated studies: intervals hold the truth, signs are recovered, and errors stay within what they promise.

Bounds are binomial, at one in ten thousand, so that a right program fails almost never, and all draws are seeded.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from scipy.stats import binom

from benchmarks.coverage import (
    EFFECTS,
    Row,
    factorial,
    false_positives,
    families,
    intervals,
    planted_effects,
    sequential,
)

pytestmark = pytest.mark.slow
TAIL = 1e-4


def at_most(alpha: float, row: Row) -> bool:
    """Whether a share is no more than alpha, but for chance."""
    return bool(row.share * row.studies <= binom.ppf(1 - TAIL, row.studies, alpha))


def at_least(level: float, row: Row) -> bool:
    """Whether a share is no less than a level, but for chance."""
    return bool(row.share * row.studies >= binom.ppf(TAIL, row.studies, level))


def chosen(rows: Iterable[Row], *, what: str = "", noise: str = "", n: int = 0) -> list[Row]:
    """Some of the rows; there must be any."""
    found = [row for row in rows if what in row.what and noise in ("", row.noise) and n in (0, row.n)]
    assert found
    return found


def test_intervals() -> None:
    rows = list(intervals(300))
    exact = chosen(rows, what="mean, t", noise="normal")
    assert all(at_least(0.95, row) and at_most(0.95, row) for row in exact)
    assert all(at_least(0.93, row) for row in chosen(rows, what="IQM, expanded"))
    assert all(at_least(0.93, row) for row in chosen(rows, what="data sets, expanded", noise="normal"))
    assert all(at_most(0.98, row) for row in chosen(rows, what="expanded"))
    assert not any(at_least(0.95, row) for row in chosen(rows, what="mean, percentile", n=5))
    # what a report must say: with skewed values a mean's interval holds it less often than promised
    assert not at_least(0.95, chosen(rows, what="mean, t", noise="skewed", n=5)[0])


def test_planted_effects() -> None:
    rows = list(planted_effects(2000))
    for noise in ("normal", "skewed"):
        for row in chosen(rows, what="interval", noise=noise):
            assert 0.93 <= row.share <= 0.97
    for row in chosen(rows, what="significant with the wrong sign", noise="normal"):
        assert row.share < 0.005
    assert [row.share > 0.92 for row in chosen(rows, what="sign recovered")] == [True] * 6
    assert len(EFFECTS) == 4


def test_tests_keep_alpha_when_arms_are_alike() -> None:
    rows = list(false_positives(600))
    for noise in ("normal", "skewed"):
        assert all(at_most(0.05, row) for row in chosen(rows, noise=noise))
    t = chosen(rows, what="paired_t", noise="normal")
    assert all(at_least(0.05, row) for row in t)
    assert all(row.share == 0 for row in chosen(rows, what="wilcoxon", n=5))


def test_families() -> None:
    rows = list(families(1000))
    assert all(at_most(0.05, row) for row in chosen(rows, what="any false of 5 arms, holm"))
    assert not any(at_most(0.05, row) for row in chosen(rows, what="any false of 5 arms, none"))
    assert all(row.share <= 0.05 for row in chosen(rows, what="share of false, 10 arms, benjamini"))
    assert all(row.share <= 0.05 for row in chosen(rows, what="share of false, 10 arms, holm"))


def test_the_stopping_rule_keeps_alpha() -> None:
    rows = [row for row in sequential(500) if row.noise != "skewed in one arm"]
    assert all(at_most(0.05, row) for row in chosen(rows, what="no effect, called different"))
    assert all(at_most(0.05, row) for row in chosen(rows, what="effect at the margin"))
    assert not any(at_most(0.05, row) for row in chosen(rows, what="each look at 0.05"))
    assert all(row.share > 0.99 for row in chosen(rows, what="effect of 3"))


def test_factorial_effects() -> None:
    for row in factorial(100):
        assert 0.93 <= row.share <= 0.97
