"""How alike images of two modalities are, by the directions of their edges: no model, and no training.

Shapes: N and M images of H x W pixels; D numbers describe one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float32]
_CELL = 3
_SCALE, _NEIGHBOURHOOD = 1.0, 12.0
_STRONGEST = 4.0
_FLAT = 1e-6
_PASSES = 3


def describe(x_NHW: Array) -> Array:
    """Edge directions in cells of 3 x 3 pixels -> (N, D).

    An edge of direction a counts as (cos 2a, sin 2a): bright to dark equals dark to bright, as an object may be
    brighter than what is behind it in one modality and darker in the other. Its weight is the root of its strength
    relative to that of its neighbourhood, so that scale and contrast do not count.
    """
    n, height, width = x_NHW.shape
    down, across = (ndimage.gaussian_filter(x_NHW, (0, _SCALE, _SCALE), order) for order in ((0, 1, 0), (0, 0, 1)))
    strength = np.hypot(down, across) + _FLAT
    around = ndimage.gaussian_filter(strength, (0, _NEIGHBOURHOOD, _NEIGHBOURHOOD))
    relative = strength / (around + 0.05 * strength.mean(axis=(1, 2), keepdims=True))
    weight = np.sqrt(np.minimum(relative, _STRONGEST)) / strength**2
    edges = np.stack([weight * (across**2 - down**2), weight * 2 * across * down], axis=1)
    cells: Array = edges.reshape(n, 2, height // _CELL, _CELL, width // _CELL, _CELL).mean(axis=(3, 5)).reshape(n, -1)
    return cells


def similarity(source_ND: Array, target_MD: Array) -> Array:
    """Cosines of centred descriptors -> (N, M), every row and column then brought to mean 0 and deviation 1.

    Without that an image that is a little like all others would be the nearest one of many.
    """
    s_NM: Array = _directions(source_ND) @ _directions(target_MD).T
    for _ in range(_PASSES):
        for axis in (1, 0):
            spread = s_NM.std(axis=axis, keepdims=True) + _FLAT
            s_NM = (s_NM - s_NM.mean(axis=axis, keepdims=True)) / spread
    return s_NM


def _directions(x_ND: Array) -> Array:
    centred = x_ND - x_ND.mean(axis=0)
    directions: Array = centred / (np.linalg.norm(centred, axis=1, keepdims=True) + _FLAT)
    return directions
