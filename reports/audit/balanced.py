"""Class-balanced accuracy: the mean over classes of each class's share of right predictions.

How many images a class has is not known, so this is a mean of ratios, and slightly biased. Its interval puts Wilson's
intervals of the classes together (MOVER: Zou and Donner 2008).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfcmt.reports.audit.draw import Classes, Draw
from sfcmt.reports.audit.outcomes import Answers, outcomes
from sfcmt.reports.audit.score import wilson_limits
from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.statistics.samples import Array

MIN_LABELS = 3
"""Labels of a class under which there is no estimate."""
METHOD = "MOVER of Wilson's score"


@dataclass(frozen=True)
class BalancedEstimate:
    """Of class-balanced accuracy, as a share."""

    value: float | None
    """None if a class has too few labels."""
    interval: Interval | None
    """None also if there are images that nobody can tell: their class is not known."""
    labels: tuple[int, ...]
    """Told labels of each class."""
    too_few: tuple[int, ...]
    """Classes with fewer than `MIN_LABELS`."""
    name: str = "ratio estimate, slightly biased"


def balanced_accuracy(
    draw: Draw, answers: Answers, predicted_N: Classes, classes: int, level: float = 0.95
) -> BalancedEstimate:
    """Estimate it from the answers of `outcomes`. Raises `StatisticsError`."""
    found = outcomes(draw, answers, predicted_N)
    labels, right = found.labels_n[found.told_n], found.low_n[found.told_n]
    counts = np.bincount(labels, minlength=classes)
    few = tuple(np.flatnonzero(counts < MIN_LABELS).tolist())
    if few:
        return BalancedEstimate(None, None, tuple(counts.tolist()), few)
    shares = np.bincount(labels, right, minlength=classes) / counts
    low, high = balanced_limits(shares, counts, level)
    interval = Interval(float(low), float(high), level, METHOD) if found.told_n.all() else None
    return BalancedEstimate(float(shares.mean()), interval, tuple(counts.tolist()), few)


def balanced_limits(shares: Array, counts: Classes, level: float) -> tuple[Array, Array]:
    """Limits (...,) of the mean of shares (..., K), each of as many values as its count (..., K)."""
    low, high = wilson_limits(shares, 1 / counts, level)
    below, above = (np.sqrt(((shares - limit) ** 2).sum(axis=-1)) / shares.shape[-1] for limit in (low, high))
    mean = shares.mean(axis=-1)
    return np.maximum(mean - below, 0), np.minimum(mean + above, 1)
