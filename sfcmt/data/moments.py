"""Running mean and standard deviation of the images of a modality, by channel."""

from __future__ import annotations

from typing import Any

import numpy as np

from sfcmt.data.images import Pixels


class Moments:
    """Sums over the pixels of images of one number of channels; holes (0 in all channels) are left out if asked."""

    def __init__(self, skip_holes: bool = False) -> None:
        self._skip_holes = skip_holes
        self._sum: Any = 0.0
        self._squares: Any = 0.0
        self._pixels = 0

    def add(self, x_CHW: Pixels) -> None:
        """Count an image in."""
        flat = x_CHW.reshape(x_CHW.shape[0], -1).astype(np.float64)
        if self._skip_holes:
            flat = flat[:, (flat != 0).any(axis=0)]
        self._sum += flat.sum(axis=1)
        self._squares += (flat**2).sum(axis=1)
        self._pixels += flat.shape[1]

    def __add__(self, other: Moments) -> Moments:
        """Those of both; one channel counts as each of three."""
        both = Moments(self._skip_holes)
        both._sum, both._squares = self._sum + other._sum, self._squares + other._squares
        both._pixels = self._pixels + other._pixels
        return both

    def mean_and_std(self) -> tuple[Any, Any]:
        """Each (C,)."""
        count = max(self._pixels, 1)
        mean = self._sum / count
        return mean, np.sqrt(np.maximum(self._squares / count - mean**2, 0))
