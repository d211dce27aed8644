"""Tests of whether paired differences are 0 in the middle; all two-sided, all of differences (..., n).

Measured by `python -m benchmarks.coverage` at alpha = 0.05: with equally distributed arms, skewed or not, all keep to
it. If only one arm is skewed, the t-test falsely rejects 11 % with 5 seeds as with 10, and tests by signs 10 % with 10;
the bootstrap test 5 % and 9 %, for which it pays with 1 to 2 % where 5 were allowed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import stats

from sfcmt.reports.statistics.intervals import mean
from sfcmt.reports.statistics.samples import Array, StatisticsError, is_constant
from sfcmt.tuning.ablation.min_p_value import BOOTSTRAPS, TestKind, min_p_value


@dataclass(frozen=True)
class Test:
    """A test's name and outcome, and what n pairs could have reached."""

    __test__ = False  # nothing for pytest to collect

    name: TestKind
    n: int
    p_value: float
    min_p_value: float
    """No p-value below this was possible."""


def paired_t(differences: Array) -> Array:
    """Student's t-test of the mean difference: exact for normal differences."""
    return np.asarray(2 * stats.t.sf(_absolute_t(differences), differences.shape[-1] - 1))


def paired_permutation(differences: Array) -> Array:
    """Sign flips of the mean difference: exact if the differences are symmetric; 1/16 at best with 5 pairs."""
    return np.asarray(
        stats.permutation_test(
            (differences,), mean, permutation_type="samples", vectorized=True, axis=-1, batch=256, rng=0
        ).pvalue
    )


def wilcoxon(differences: Array) -> Array:
    """Wilcoxon's signed-rank test, exact without ties; 1/16 at best with 5 pairs."""
    if not differences.any():
        return np.ones(differences.shape[:-1])
    return np.asarray(stats.wilcoxon(differences, axis=-1).pvalue)


def paired_bootstrap(differences: Array) -> Array:
    """Studentised bootstrap of the mean of differences shifted to 0 (Efron and Tibshirani 1993, section 16.4).

    Studentised, since the bootstrap of the plain mean rejects a true null hypothesis 16 % of the time with 5 pairs; by
    the size of t, since each tail by itself is too rough with so few values.
    """
    return np.apply_along_axis(_bootstrap_one, -1, differences)


PAIRED_TESTS: dict[TestKind, Callable[[Array], Array]] = {
    "paired_t": paired_t,
    "paired_bootstrap": paired_bootstrap,
    "paired_permutation": paired_permutation,
    "wilcoxon": wilcoxon,
}


def run_test(kind: TestKind, differences: Array) -> Test | None:
    """Test differences (n,). Differences that are all 0 have a p-value of 1.

    None for a single one, and for those that do not vary if the test is by their error. Zeros have no sign to flip.
    """
    if kind not in PAIRED_TESTS:
        raise StatisticsError(f"{kind}: one of {', '.join(PAIRED_TESTS)} is needed")
    n, is_by_signs = len(differences), kind in ("paired_permutation", "wilcoxon")
    if not differences.any() and n > 1:
        return Test(kind, n, 1.0, 1.0)
    if n < 2 or (is_constant(differences) and not is_by_signs):
        return None
    reach = min_p_value(kind, int(np.count_nonzero(differences)) if is_by_signs else n)
    return Test(kind, n, float(PAIRED_TESTS[kind](differences)), reach)


def _bootstrap_one(differences: Array) -> float:
    generator = np.random.default_rng(0)
    centred = differences - differences.mean()
    resample = partial(generator.choice, centred)
    result = stats.monte_carlo_test(
        differences, resample, _absolute_t, vectorized=True, n_resamples=BOOTSTRAPS, alternative="greater", axis=-1
    )
    return float(result.pvalue)


def _absolute_t(differences: Array, axis: int = -1) -> Array:
    """Mean over standard error; the largest number for equal differences, and 0 if there are none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = differences.mean(axis) / stats.sem(differences, axis=axis)
    return np.asarray(np.nan_to_num(np.abs(ratio), nan=0.0))
