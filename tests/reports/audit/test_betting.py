"""Bets against the truth do not pay, in whatever order of rounds; all orders of small populations prove it exactly."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, permutations, product

import numpy as np
import pytest

from sfcmt.reports.audit.betting import STAKES, betting_limits, log_capital, lower_limit
from sfcmt.reports.audit.draw import Classes, Draw, draw
from sfcmt.reports.statistics.samples import Array

PREDICTED = np.repeat(np.arange(4), 40)
POPULATIONS = [
    ([1.0, 1, 0], [0.0, 0, 0]),
    ([1.0, 1, 1], [0.0, 0, 0]),
    ([1.0, 0, 1], [0.0, 1, 1]),
    ([1.0, 0.5, 0], [0.5, 0]),
    ([1.0, 1], [0.0], [1.0]),
    ([1.0, 0, 0, 0, 1, 1],),
]


def orders(population: tuple[list[float], ...]) -> Iterator[Array]:
    """Values in the order of labelling, for all orders within cells; a round goes through the cells as they come."""
    for shuffled in product(*(permutations(cell) for cell in population)):
        rounds = max(map(len, shuffled))
        yield np.array([cell[turn] for turn in range(rounds) for cell in shuffled if turn < len(cell)])


def cells_of(population: tuple[list[float], ...]) -> Classes:
    rounds = max(map(len, population))
    return np.array([place for turn in range(rounds) for place, cell in enumerate(population) if turn < len(cell)])


@pytest.mark.parametrize("population", POPULATIONS)
@pytest.mark.parametrize("mirrored", [False, True])
def test_capital_against_the_truth_is_not_expected_to_grow(population: tuple[list[float], ...], mirrored: bool) -> None:
    y = np.array(list(orders(population)))
    y = 1 - y if mirrored else y
    sizes, cells = np.array([len(cell) for cell in population]), cells_of(population)
    means = np.full(len(y), y[0].mean())
    most = np.exp(log_capital(means, y, cells[None].repeat(len(y), 0), sizes))
    for alpha in (0.3, 0.5, 0.7, 0.8, 0.9):
        assert np.mean(most >= 1 / alpha) <= alpha  # Ville
    after = np.array([capitals(means[0], row, cells, sizes) for row in y])
    assert (after.mean(axis=0) <= 1 + 1e-9).all()


def capitals(m: float, y: Array, cells: Classes, sizes: Classes) -> list[float]:
    """After each round, value by value."""
    capital, left, total, found = np.ones(len(STAKES)), sizes.copy(), m * sizes.sum(), []
    values = iter(zip(y, cells, strict=True))
    while left.any() and (some := list(islice(values, int((left > 0).sum())))):
        mean = max(total / left.sum(), 1e-12)
        for value, cell in some:
            capital *= 1 + STAKES * left[cell] / left.max() * (value / mean - 1)
        total, left = total - sum(value for value, _ in some), np.maximum(left - 1, 0)
        found.append(float(capital.mean()))
    return found


@pytest.mark.parametrize("mean", [0.2, 0.4, 0.6])
def test_it_is_what_value_by_value_gives(mean: float) -> None:
    sizes = np.array([6, 3, 4])
    cells = np.array([0, 2, 1, 1, 0, 2, 2, 0, 1, 0, 2])  # of which the last round has two
    y = np.array([1.0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0])
    found = float(log_capital(np.array(mean), y, cells, sizes))
    assert found == pytest.approx(max(0.0, float(np.log(max(capitals(mean, y, cells, sizes))))))
    assert found > 0


def test_within_a_round_nothing_is_looked_at() -> None:
    sizes = np.array([50, 50])
    y, cells = np.array([1.0] * 21), np.array([0, 1] * 11)[:21]
    odd, even = (float(lower_limit(y[:n], cells[:n], sizes, 0.025)) for n in (21, 20))
    assert odd == pytest.approx(even)
    assert float(lower_limit(y[:1], cells[:1], sizes, 0.025)) == pytest.approx(0.01)  # one of 100 is right


def test_limits_never_widen_and_end_at_the_truth() -> None:
    generator = np.random.default_rng(0)
    predicted, right = np.repeat([0, 1], [70, 40]), (generator.random(110) < 0.6).astype(float)
    drawn = draw(predicted, 110, 5)
    y, cells, sizes = right[list(drawn.rows)], np.array(drawn.cells), np.array(drawn.sizes)
    limits = [betting_limits(y[:n], cells[:n], sizes, 0.95, 0) for n in range(0, 111, 5)]
    low, high = np.array(limits).T
    assert (np.diff(low) >= -1e-6).all()
    assert (np.diff(high) <= 1e-6).all()
    assert (low[0], high[0]) == (0, 1)
    assert (low[-1], high[-1]) == pytest.approx((right.mean(), right.mean()), abs=1e-6)


def test_limits_are_monotone_in_the_labels() -> None:
    generator = np.random.default_rng(1)
    cells, sizes = np.tile(np.arange(5), 8), np.array([20] * 5)
    y = (generator.random((30, 40)) < 0.6).astype(float)
    more = np.maximum(y, generator.random((30, 40)) < 0.1)
    cells_ = cells[None].repeat(30, 0)
    for one, other in zip(
        betting_limits(y, cells_, sizes, 0.95, 0), betting_limits(more, cells_, sizes, 0.95, 0), strict=True
    ):
        assert (one <= other + 1e-6).all()


def test_signs_are_a_stretched_share() -> None:
    cells, sizes = np.tile(np.arange(2), 10), np.array([60, 60])
    signs = np.array([1.0, -1, 0, 1] * 5)
    low, high = betting_limits(signs, cells, sizes, 0.95, -1)
    half = betting_limits((signs + 1) / 2, cells, sizes, 0.95, 0)
    assert (low, high) == pytest.approx((2 * half[0] - 1, 2 * half[1] - 1), abs=1e-6)


@pytest.fixture(scope="module", params=["stratified", "random"])
def draws(request: pytest.FixtureRequest) -> list[Draw]:
    return [draw(PREDICTED, 160, seed, request.param) for seed in range(400)]


@pytest.mark.parametrize(
    "accuracies", [(0.5, 0.5, 0.5, 0.5), (1.0, 1.0, 0.0, 0.0), (0.95, 0.9, 0.9, 0.97), (0.0, 0.1, 0.0, 0.7)]
)
def test_coverage_over_all_looks_at_once(accuracies: tuple[float, ...], draws: list[Draw]) -> None:
    right = np.random.default_rng(2).random(160) < np.repeat(accuracies, 40)
    y, cells = np.array([right[list(one.rows)] for one in draws]) * 1.0, np.array([one.cells for one in draws])
    sizes, mean = np.array(draws[0].sizes), np.full(len(draws), right.mean())
    for values, truth in ((y, mean), (1 - y, 1 - mean)):
        missed = np.mean(log_capital(truth, values, cells, sizes) >= np.log(1 / 0.025))
        assert missed <= 0.025 + 2 * np.sqrt(0.025 * 0.975 / len(draws))
