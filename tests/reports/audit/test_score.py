from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats
from statsmodels.stats.proportion import proportion_confint

from sfcmt.reports.audit.score import score_limits, tango_limits, wilson_limits
from sfcmt.reports.audit.stratified import design_factor, ends_of, rounds_of, weights_of
from sfcmt.reports.statistics.samples import Array

ONE = np.array([10**9])
"""So many images in one cell that what is labelled is nothing of them."""


@pytest.mark.parametrize(("right", "n"), [(0, 20), (1, 20), (7, 20), (10, 20), (60, 60), (33, 60), (1, 1)])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_of_independent_draws_it_is_wilsons(right: int, n: int, level: float) -> None:
    y = np.repeat([1.0, 0.0], [right, n - right])
    found = score_limits(y, np.zeros(n, dtype=np.int64), ONE, level, 0)
    assert found == pytest.approx(proportion_confint(right, n, 1 - level, method="wilson"), abs=1e-6)


@pytest.mark.parametrize(("plus", "minus", "n"), [(1, 0, 44), (9, 4, 30), (3, 3, 8), (0, 5, 20), (12, 0, 12)])
def test_of_signs_it_is_tangos(plus: int, minus: int, n: int) -> None:
    low, high = tango_limits(np.array(plus / n), np.array(minus / n), np.array(1 / n), 0.95)
    for limit in (float(low), float(high)):
        if abs(limit) < 1 - 1e-9:
            assert _tested(limit, plus, minus, n) == pytest.approx(stats.norm.ppf(0.975), abs=1e-3)
    assert low < (plus - minus) / n <= high


def _tested(mean: float, plus: int, minus: int, n: int) -> float:
    """The score statistic, with shares found by maximising the likelihood numerically."""

    def loss(below: float) -> float:
        shares = np.array([below + mean, below, 1 - 2 * below - mean])
        counts = np.array([plus, minus, n - plus - minus])
        return -float(np.sum(counts[counts > 0] * np.log(np.maximum(shares[counts > 0], 1e-300))))

    below = optimize.minimize_scalar(loss, bounds=(max(0, -mean), (1 - mean) / 2), options={"xatol": 1e-10}).x
    return abs((plus - minus) / n - mean) / float(np.sqrt((2 * below + mean - mean**2) / n))


def test_tangos_example() -> None:
    """Of 44 pairs one is discordant: Tango 1998."""
    low, high = tango_limits(np.array(1 / 44), np.array(0.0), np.array(1 / 44), 0.95)
    assert (float(low), float(high)) == pytest.approx((-0.0594, 0.1181), abs=1e-4)


def test_a_signed_interval_is_mirrored() -> None:
    y, cells, sizes = np.array([1.0, 1, 0, -1, 1, 0]), np.array([0, 1, 0, 1, 1, 0]), np.array([30, 31])
    low, high = score_limits(y, cells, sizes, 0.9, -1)
    assert score_limits(-y, cells, sizes, 0.9, -1) == pytest.approx((-high, -low))


@pytest.mark.parametrize("least", [0, -1])
def test_no_limit_is_out_of_reach_of_what_is_left(least: int) -> None:
    y, cells = np.array([1.0] * 8 + [0.0] * 8), np.zeros(16, dtype=np.int64)
    low, high = score_limits(y, cells, np.array([18]), 0.999999, least)
    assert (low, high) == pytest.approx(((8 + 2 * least) / 18, 10 / 18))
    assert score_limits(y, cells, np.array([16]), 0.95, least) == pytest.approx((0.5, 0.5))


def test_weights_are_the_share_of_a_cell_over_its_labels() -> None:
    weights = weights_of(np.array([[0, 1, 0, 2], [2, 1, 0, 1]]), np.array([10, 20, 30]))
    assert weights == pytest.approx(np.array([[5, 20, 5, 30], [30, 10, 10, 10]]) / 60)
    assert weights_of(np.array([1, 1]), np.array([10, 20])) == pytest.approx([0.5, 0.5])  # of the cells with labels


def test_the_design_factor_is_the_analysis_of_variance() -> None:
    generator = np.random.default_rng(0)
    cells = np.tile(np.arange(4), 6)
    y = (generator.random((5, 24)) < 0.1 + 0.25 * cells).astype(float)
    groups = [y[:, cells == cell] for cell in range(4)]
    within = sum((one.var(axis=1) * 6 for one in groups), np.zeros(5))
    total = y.var(axis=1, ddof=1)
    expected = (100 - 24) / 99 * np.minimum((within / total + 10) / (20 + 10), 1)
    assert design_factor(y, cells[None].repeat(5, 0), np.array([25] * 4)) == pytest.approx(expected)
    assert expected.min() < 0.7


@pytest.mark.parametrize("y", [np.ones(6), np.array([1.0, 0, 0, 1, 1, 0])])
def test_one_cell_saves_nothing(y: Array) -> None:
    assert design_factor(y, np.zeros(6, dtype=np.int64), np.array([11])) == pytest.approx(5 / 10)


def test_wilson_takes_one_factor_each() -> None:
    low, high = wilson_limits(np.array([0.5, 0.5]), np.array([0.1, 0.0]), 0.95)
    assert (low[1], high[1]) == (0.5, 0.5)
    assert high[0] - low[0] > 0.4


def test_rounds_end_when_each_cell_with_images_has_had_one() -> None:
    sizes = np.array([3, 2, 3])
    assert rounds_of(sizes, 8).tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert ends_of(sizes, 8).tolist() == [2, 5, 7]
    assert ends_of(sizes, 7).tolist() == [2, 5]
    assert ends_of(sizes, 2).tolist() == []
