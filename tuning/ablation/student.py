"""Student's limits of a mean: what an adaptive ablation stops by, and what reports show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def t_limits(values: Array, level: float) -> tuple[Array, Array]:
    """Limits for the means of values (..., n), n > 1; equal values give their mean twice."""
    from scipy.special import stdtrit  # takes a second: specs are checked without it

    n = values.shape[-1]
    half = stdtrit(n - 1, (1 + level) / 2) * values.std(axis=-1, ddof=1) / np.sqrt(n)
    centre = values.mean(axis=-1)
    return centre - half, centre + half
