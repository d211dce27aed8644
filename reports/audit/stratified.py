"""The mean of a stratified sample, and what its variance is beside that of independent draws.

Shapes: (..., n) values in the order of labelling and their cells, S cells.
"""

from __future__ import annotations

import numpy as np

from sfcmt.reports.audit.draw import Classes
from sfcmt.reports.statistics.samples import Array

PRIOR_VALUES = 10
"""Values' worth of belief in cells that are all alike: few labels would show strata as better than they are."""


def weights_of(cells: Classes, sizes: Classes) -> Array:
    """Weights (..., n) of the mean over all images, which sum to 1: a cell's size over the labels in it."""
    labels = _is_in(cells, sizes).sum(axis=-2)
    weights = sizes[cells] / np.take_along_axis(labels, cells, axis=-1)
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def design_factor(y: Array, cells: Classes, sizes: Classes) -> Array:
    """Variance (...,) of the mean, over that of n independent draws.

    A factor for what is not labelled yet, (N - n) / (N - 1), times one for what strata save: the variance of values y
    within cells over that of all, shrunk to 1 and at most 1.
    """
    n, is_in = y.shape[-1], _is_in(cells, sizes)
    labels, sums = is_in.sum(axis=-2), (is_in * y[..., None]).sum(axis=-2)
    between = (sums**2 / np.maximum(labels, 1)).sum(axis=-1)
    within = (y**2).sum(axis=-1) - between
    total = y.var(axis=-1) * n / max(n - 1, 1)
    freedom = n - (labels > 0).sum(axis=-1)
    belief = PRIOR_VALUES * total
    saved = np.divide(within + belief, freedom * total + belief, out=np.ones_like(total), where=total > 0)
    return np.asarray((sizes.sum() - n) / max(sizes.sum() - 1, 1) * np.minimum(saved, 1))


def _is_in(cells: Classes, sizes: Classes) -> Classes:
    """1 for the cell (..., n, S) of each image."""
    return np.asarray(cells[..., None] == np.arange(len(sizes)), dtype=np.int64)


def rounds_of(sizes: Classes, n: int) -> Classes:
    """The round (n,) of each image in the order of labelling."""
    images = _images_of_rounds(sizes, n)
    return np.repeat(np.arange(len(images)), images)[:n]


def ends_of(sizes: Classes, n: int) -> Classes:
    """Places of the last images of the rounds that are full after n images."""
    last = np.cumsum(_images_of_rounds(sizes, n)) - 1
    return last[last < n]


def _images_of_rounds(sizes: Classes, n: int) -> Classes:
    """One image a round of each cell that has any left, for as many rounds as n images can have."""
    return np.asarray((sizes > np.arange(min(n, sizes.max()))[:, None]).sum(axis=1))
