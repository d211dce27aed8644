"""Limits that hold at every look at once: bets against a mean, with samples drawn without replacement.

Waudby-Smith and Ramdas 2024 (JRSS B 86), section 5, in rounds. If m is the mean of N values in [0, 1], the images that
are left have the mean c = (N m - sum so far) / left. A round has one image of each cell s. Who stakes a share of a
capital on values above c multiplies it by the product over s of 1 + stake w_s (y_s / c - 1), with w_s at most 1 and in
proportion to what is left of the cell. Cells are drawn from independently, so the expectation is the product of
1 + stake w_s (mu_s / c - 1): of terms whose mean is 1, so it is at most 1, however accuracy differs between cells. From
round to round, but not within one, the capital is a supermartingale, and is ever 1 / alpha or more with a chance of at
most alpha (Ville). Several stakes are mixed: one that is tuned to n would have to be known before labelling begins.
"""

from __future__ import annotations

import numpy as np

from sfcmt.reports.audit.draw import Classes
from sfcmt.reports.audit.stratified import ends_of, rounds_of
from sfcmt.reports.statistics.samples import Array

METHOD = "betting, without replacement"
STAKES = np.array([0.15, 0.3, 0.6])
"""Good for 20 to 100 labels; smaller ones would gain with more."""
_STEPS = 30
_LEAST = 1e-12


def betting_limits(y: Array, cells: Classes, sizes: Classes, level: float, least: int) -> tuple[Array, Array]:
    """Limits (...,) of the mean of all values, from those of n images, (..., n) in [least, 1], in their order.

    With a chance of at least `level` they hold the mean at all looks at once. They are those of the last full round.
    """
    span, alpha = 1 - least, (1 - level) / 2
    low = lower_limit((y - least) / span, cells, sizes, alpha)
    return least + span * low, 1 - span * lower_limit((1 - y) / span, cells, sizes, alpha)


def lower_limit(y: Array, cells: Classes, sizes: Classes, alpha: float) -> Array:
    """Of values (..., n) in [0, 1]: the largest mean against which 1 / alpha was owned after any round.

    The capital falls as the mean grows, so it is found by bisection; but no limit is left that is known to be too low.
    """
    low = y.sum(axis=-1) / sizes.sum()
    high = np.ones_like(low)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        lost = log_capital(middle, y, cells, sizes) >= -np.log(alpha)
        low, high = np.where(lost, middle, low), np.where(lost, high, middle)
    return np.asarray(low)


def log_capital(m: Array, y: Array, cells: Classes, sizes: Classes) -> Array:
    """Logarithm (...,) of the most that who began with 1 owned after any round, by bets on more than m (...,)."""
    n = y.shape[-1]
    rounds = rounds_of(sizes, n)
    left = np.maximum(sizes - rounds[:, None], 0)
    weights = left[np.arange(n), cells] / left.max(axis=-1, initial=1)
    before = np.cumsum(y, axis=-1) - y
    mean = (m[..., None] * sizes.sum() - before[..., np.searchsorted(rounds, rounds)]) / left.sum(axis=-1)
    gain = np.log1p(STAKES[:, *(None,) * y.ndim] * weights * (y / np.maximum(mean, _LEAST) - 1))
    owned = np.logaddexp.reduce(np.cumsum(gain, axis=-1), axis=0) - np.log(len(STAKES))
    return np.asarray(np.max(owned[..., ends_of(sizes, n)], axis=-1, initial=0.0))
