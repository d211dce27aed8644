"""Values by seed, checked and in order: what every statistic starts from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from sfcmt.errors import SfcmtError

Sample: TypeAlias = Mapping[int, float]
"""One arm's value of a metric, by seed. A seed that failed is left out."""
Array: TypeAlias = NDArray[np.float64]


class StatisticsError(SfcmtError, ValueError):
    """A statistic is asked of values that cannot give it."""


def values_of(sample: Sample) -> tuple[tuple[int, ...], Array]:
    """Seeds in order, and their values (n,). Raises `StatisticsError` if there is none, or one is not finite."""
    seeds = tuple(sorted(sample))
    values = np.array([sample[seed] for seed in seeds], dtype=np.float64)
    if not seeds:
        raise StatisticsError("no values: at least one seed is needed")
    if not np.isfinite(values).all():
        wrong = seeds[int(np.flatnonzero(~np.isfinite(values))[0])]
        raise StatisticsError(f"seed {wrong}: {sample[wrong]} is not a finite value; leave failed seeds out")
    return seeds, values


def is_constant(values: Array) -> bool:
    """Whether values (n,) are the same but for rounding: what has no error cannot be tested by it."""
    return bool(np.ptp(values) <= 1e-12 * np.abs(values).max())


def differences_of(first: Sample, second: Sample) -> tuple[tuple[int, ...], Array]:
    """Seeds that both arms have, in order, and `second - first` of each (n,). Raises `StatisticsError`."""
    common = sorted(set(first) & set(second))
    seeds, before = values_of({seed: first[seed] for seed in common})
    return seeds, values_of({seed: second[seed] for seed in common})[1] - before
