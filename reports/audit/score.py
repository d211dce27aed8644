"""The interval at the planned n: means that a score test does not reject, for values 0 and 1, or -1, 0 and 1.

Wilson's interval, and Tango's (1998, Statistics in Medicine 17), with the variance under the tested mean times a design
factor: `stratified.design_factor`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import stats

from sfcmt.reports.audit.draw import Classes
from sfcmt.reports.audit.stratified import design_factor, weights_of
from sfcmt.reports.statistics.samples import Array

WILSON, TANGO = "Wilson's score, stratified", "Tango's score, stratified"
_STEPS = 40


def score_limits(y: Array, cells: Classes, sizes: Classes, level: float, least: int) -> tuple[Array, Array]:
    """Limits (...,) of the mean of all values, from those of n images, (..., n); least: the smallest, 0 or -1.

    What is labelled is known: no limit is left that the other images could not reach.
    """
    n, images, weights = y.shape[-1], sizes.sum(), weights_of(cells, sizes)
    plus, minus = ((weights * (y == sign)).sum(axis=-1) for sign in (1, -1))
    factor = design_factor(y, cells, sizes) / n
    low, high = wilson_limits(plus, factor, level) if least == 0 else tango_limits(plus, minus, factor, level)
    known, left = y.sum(axis=-1), images - n
    return np.maximum(low, (known + least * left) / images), np.minimum(high, (known + left) / images)


def wilson_limits(share: Array, factor: Array, level: float) -> tuple[Array, Array]:
    """Limits (...,) of a share of ones, from its estimate; factor (...,): variance of that over that of one value."""
    scale = _z(level) ** 2 * factor
    return 1 - _upper(1 - share, lambda mean: scale * _of_ones(mean)), _upper(
        share, lambda mean: scale * _of_ones(mean)
    )


def tango_limits(plus: Array, minus: Array, factor: Array, level: float) -> tuple[Array, Array]:
    """Limits (...,) of the mean of values -1, 0, 1, from the estimated shares of 1 and of -1, (...,) each."""
    scale = _z(level) ** 2 * factor
    upper = _upper(plus - minus, lambda mean: scale * _of_signs(mean, plus, minus))
    return -_upper(minus - plus, lambda mean: scale * _of_signs(mean, minus, plus)), upper


def _z(level: float) -> float:
    return float(stats.norm.ppf((1 + level) / 2))


def _upper(estimate: Array, allowed: Callable[[Array], Array]) -> Array:
    """The largest mean whose squared distance from the estimate is allowed."""
    low, high = estimate, np.ones_like(estimate)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        kept = (middle - estimate) ** 2 <= allowed(middle)
        low, high = np.where(kept, middle, low), np.where(kept, high, middle)
    return np.asarray(low)


def _of_ones(mean: Array) -> Array:
    return np.asarray(mean * (1 - mean))


def _of_signs(mean: Array, plus: Array, minus: Array) -> Array:
    """Variance of one value at the likeliest shares of -1, 0 and 1 under a mean: Tango's root of a quadratic."""
    linear = (2 - plus + minus) * mean - plus - minus
    root = np.sqrt(np.maximum(linear**2 + 8 * minus * mean * (1 - mean), 0))
    return np.asarray(np.maximum((root - linear) / 2 + mean - mean**2, 0))
