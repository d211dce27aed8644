"""Paired differences against textbook results and enumeration."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from sfcmt.reports.statistics.effect_sizes import corrected_d, rank_biserial
from sfcmt.reports.statistics.paired import compare
from sfcmt.reports.statistics.paired_tests import PAIRED_TESTS, run_test
from sfcmt.reports.statistics.samples import StatisticsError
from sfcmt.tuning.ablation.min_p_value import TestKind, min_p_value
from tests.reports.statistics.test_estimates import DARWIN

MAIZE = np.array(list(DARWIN.values()))


def test_darwins_maize() -> None:
    """Fisher 1935: t = 2.148 on 14 degrees of freedom, p 0.0497; 863 of 32768 flips of signs are as large one way."""
    assert PAIRED_TESTS["paired_t"](MAIZE) == pytest.approx(0.0497, abs=1e-4)
    flips = np.array(list(itertools.product((-1, 1), repeat=15))) @ np.abs(MAIZE)
    exact = np.mean(np.abs(flips) >= MAIZE.sum())
    assert exact == pytest.approx(2 * 863 / 32768)
    assert PAIRED_TESTS["paired_permutation"](MAIZE) == pytest.approx(exact, abs=0.006)  # 9999 of the flips
    generator = np.random.default_rng(1)
    draws = [generator.choice(MAIZE - MAIZE.mean(), 15) for _ in range(4000)]
    larger = [abs(draw.mean()) / draw.std(ddof=1) >= MAIZE.mean() / MAIZE.std(ddof=1) for draw in draws]
    assert PAIRED_TESTS["paired_bootstrap"](MAIZE) == pytest.approx(np.mean(larger), abs=0.02)


def test_permutation_and_wilcoxon_are_exact_for_few_pairs() -> None:
    differences = np.array([1.0, 2.5, -0.5, 4.0, 3.0, 7.0, -2.0, 6.0])
    flips = np.array(list(itertools.product((-1, 1), repeat=8)))
    sums = flips @ np.abs(differences)
    assert PAIRED_TESTS["paired_permutation"](differences) == pytest.approx(np.mean(np.abs(sums) >= differences.sum()))
    ranks = np.array([2, 4, 1, 6, 5, 8, 3, 7])
    signed = (ranks * np.sign(differences)).sum()
    assert PAIRED_TESTS["wilcoxon"](differences) == pytest.approx(np.mean(np.abs(flips @ ranks) >= signed))


@pytest.mark.parametrize(("n", "reach"), [(5, 1 / 16), (6, 1 / 32), (10, 1 / 512)])
def test_what_tests_by_signs_can_reach(n: int, reach: float) -> None:
    clearest = 1000 + np.arange(n, dtype=np.float64)
    kinds: tuple[TestKind, ...] = ("paired_permutation", "wilcoxon")
    for kind in kinds:
        test = run_test(kind, clearest)
        assert test is not None
        assert test.p_value == pytest.approx(reach)
        assert test.min_p_value == reach == min_p_value(kind, n)


@pytest.mark.parametrize(("n", "rel"), [(2, 0.05), (3, 0.1), (4, 0.2), (5, 0.6)])
def test_the_bootstrap_test_counts_resamples_of_a_single_pair(n: int, rel: float) -> None:
    test = run_test("paired_bootstrap", 1000 + np.arange(n, dtype=np.float64) ** 2)
    assert test is not None
    assert test.min_p_value == float(n) ** (1 - n)
    assert test.p_value == pytest.approx(test.min_p_value, rel=rel)


def test_many_signs_are_drawn_and_zeros_have_none() -> None:
    many = run_test("paired_permutation", 1000 + np.arange(16, dtype=np.float64))
    assert many is not None
    assert many.p_value == pytest.approx(many.min_p_value) == 2 / 10000
    few = run_test("paired_permutation", np.array([1.0, 0, 2, 0, 3, 4]))
    assert few is not None
    assert few.p_value == few.min_p_value == 1 / 8


def test_the_bootstrap_test_reaches_no_further_than_its_resamples() -> None:
    test = run_test("paired_bootstrap", 1000 + np.arange(10, dtype=np.float64))
    assert test is not None
    assert test.p_value == pytest.approx(test.min_p_value)


@pytest.mark.parametrize("kind", PAIRED_TESTS)
def test_degenerate_differences(kind: TestKind) -> None:
    none, same = run_test(kind, np.zeros(6)), run_test(kind, np.full(6, 0.25))
    assert none is not None
    assert (none.p_value, none.min_p_value) == (1.0, 1.0)
    if kind in ("paired_t", "paired_bootstrap"):
        assert same is None  # what has no error cannot be tested by it
    else:
        assert same is not None
        assert same.p_value == min_p_value(kind, 6)
    assert run_test(kind, np.array([0.5])) is None


def test_differences_without_error_have_no_interval() -> None:
    first = {seed: seed / 10 for seed in range(4)}
    same = compare(first, {seed: value + 0.3 for seed, value in first.items()})
    assert (same.test, same.interval, same.corrected_d) == (None, None, None)
    equal = compare(first, first)
    assert equal.interval is not None
    assert (equal.interval.low, equal.interval.high) == (0, 0)


def test_a_comparison_carries_its_evidence() -> None:
    first = {0: 0.50, 1: 0.60, 2: 0.55, 3: 0.40, 9: 0.1}
    second = {0: 0.60, 1: 0.65, 2: 0.55, 3: 0.60, 8: 0.2}
    difference = compare(first, second, "wilcoxon", level=0.9)
    assert difference.seeds == (0, 1, 2, 3)
    assert difference.unpaired == (8, 9)
    assert difference.n == 4
    assert difference.mean == pytest.approx(0.0875)
    # standard error 0.04270, t 2.353 with 3 degrees of freedom
    assert difference.interval is not None
    assert (difference.interval.low, difference.interval.high) == pytest.approx((-0.01296, 0.18796), abs=1e-4)
    assert difference.test is not None
    assert (difference.test.name, difference.test.n) == ("wilcoxon", 4)
    assert difference.rank_biserial == 1.0
    with pytest.raises(StatisticsError, match="z_test"):
        compare(first, second, "z_test")  # type: ignore[arg-type]


def test_effect_sizes() -> None:
    # J(4) = Gamma(2) / (sqrt(2) Gamma(1.5)) = 0.7979; mean 3, standard deviation sqrt(2.5)
    assert corrected_d(np.arange(1.0, 6.0)) == pytest.approx(3 / math.sqrt(2.5) * 0.7979, abs=1e-3)
    assert corrected_d(np.array([1.0, 2.0])) is None
    assert corrected_d(np.full(5, 2.0)) is None
    # ranks 1, 2.5, 2.5, 4 with signs -, +, -, +: (2.5 + 4 - 1 - 2.5) / 10; the zero has no rank
    assert rank_biserial(np.array([-1.0, 2.0, -2.0, 3.0, 0.0])) == pytest.approx(0.3)
    assert rank_biserial(np.zeros(3)) == 0.0


def test_the_correction_of_d_removes_its_bias() -> None:
    samples = 1.0 + np.random.default_rng(0).standard_normal((4000, 5))
    raw = np.mean(samples.mean(axis=1) / samples.std(axis=1, ddof=1))
    corrected = np.mean([corrected_d(sample) for sample in samples])
    assert raw > 1.2
    assert corrected == pytest.approx(1.0, abs=0.04)
