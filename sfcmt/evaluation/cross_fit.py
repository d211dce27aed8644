"""Regret without the luck of the best: a pool's best model is found on one half of the frames and valued on the other.

The best of many models, seen on the images by which it was found best, looks better than it is: its regret is that of a
noisy maximum. Here, with a the one half and b the other, and BA_b(m) the balanced accuracy of m on b,

    regret(m) = mean over (a, b) of BA_b(argmax_k BA_a(k)) - BA_b(m)

over `DIVISIONS` divisions of whole frames, each used in both directions. A pick that saw no label is valued without
bias; what it is held against is the best that half of the frames can find, so that a regret may be negative. Source:
the cross-fitting of Chernozhukov et al. 2018.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from sfcmt.evaluation.labels import TargetLabels

DIVISIONS = 200
MIN_FRAMES = 10
"""Frames below which nothing is said."""
Floats = NDArray[np.float64]


def cross_fitted_regrets(right: Mapping[str, Tensor], target: TargetLabels) -> dict[str, float] | None:
    """The regret of each model of a pool, by name, in balanced accuracy; None for few frames.

    `right` says of which of the N images each is right, (N,).

    A class counts on a half where it has images. Models that share the first place on a half share its value.
    """
    frame_N, label_N = np.unique(target.frames, return_inverse=True)[1], target.labels_N.numpy()
    frames = int(frame_N.max()) + 1
    if frames < MIN_FRAMES or not right:
        return None

    def summed(values_N: Floats) -> csr_array:
        return csr_array((values_N, (frame_N, label_N)), shape=(frames, int(label_N.max()) + 1))

    images_FK = summed(np.ones(len(label_N)))
    right_MFK = [summed(right_N.double().numpy()) for right_N in right.values()]
    half_DF = _halves(images_FK)
    one_DM, other_DM = (_balanced(right_MFK, images_FK, chosen_DF) for chosen_DF in (half_DF, 1 - half_DF))
    regret_M = (_regrets(one_DM, other_DM) + _regrets(other_DM, one_DM)) / 2
    return dict(zip(right, regret_M.tolist(), strict=True))


def _halves(images_FK: csr_array) -> Floats:
    """1 for the frames of a half, 0 for those of the other, (D, F): as many of each class, by a frame's rarest."""
    generator = np.random.default_rng(0)
    rank_K = np.argsort(np.argsort((images_FK > 0).sum(axis=0), kind="stable"))
    frame_S, class_S = images_FK.nonzero()
    rarest_F = np.full(images_FK.shape[0], images_FK.shape[1])
    np.minimum.at(rarest_F, frame_S, rank_K[class_S])
    half_DF = np.empty((DIVISIONS, len(rarest_F)))
    for half_F in half_DF:
        order_F = np.lexsort((generator.random(len(rarest_F)), rarest_F))
        first_P = generator.integers(0, 2, (len(order_F) + 1) // 2)  # of each two frames, which half has the first
        half_F[order_F] = np.stack([first_P, 1 - first_P], axis=1).ravel()[: len(order_F)]
    return half_DF


def _balanced(right_MFK: Sequence[csr_array], images_FK: csr_array, half_DF: Floats) -> Floats:
    """Balanced accuracy (D, M) on the chosen half of each division."""
    images_DK = half_DF @ images_FK
    with np.errstate(invalid="ignore"):  # a class without images is 0 / 0, which nanmean leaves out
        return np.stack([np.nanmean(half_DF @ right_FK / images_DK, axis=1) for right_FK in right_MFK], axis=1)


def _regrets(chooses_DM: Floats, values_DM: Floats) -> Floats:
    """(M,): what the models that are best on one half reach on the other, less what each reaches there."""
    is_best_DM = chooses_DM == chooses_DM.max(axis=1, keepdims=True)
    best_D = values_DM.mean(axis=1, where=is_best_DM)
    regret_M: Floats = (best_D[:, None] - values_DM).mean(axis=0)
    return regret_M
