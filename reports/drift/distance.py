"""How far images are from others in a model's features: the energy distance, with frames as the units.

Source: Szekely and Rizzo 2013 (Energy statistics: a class of statistics based on distances). Of images x of the one set
and y of the other that the model takes for class c, over pairs of different frames:

    D_c = 2 E|x - y| - E|x - x'| - E|y - y'|,    size = sum_c w_c D_c / sum_c w_c 2 E|x - y|

It is 0 in the mean where both are of one distribution, whatever the number of images, and 1 where each set is a point:
the share of the distance between images that lies between the sets. Being within predicted classes, it is not moved by
other class shares as such. w_c is n_c m_c / (n_c + m_c), of the numbers of images; a class that either set has in fewer
than two frames has no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfcmt.reports.drift.said import Array, Places, Said


@dataclass(frozen=True)
class _Class:
    """The images of one predicted class, put together by frame."""

    frames_C: Places
    images_C: Array
    distances_CC: Array
    """Summed over the images of two frames; 0 within one."""

    def parts(self, is_first_BF: Array) -> tuple[Array, Array]:
        """w_c D_c and w_c 2 E|x - y| for each of B divisions of all frames into two sets."""
        first_BC = is_first_BF[:, self.frames_C]
        images_BC = first_BC * self.images_C
        n_B, m_B = images_BC.sum(axis=1), ((1 - first_BC) * self.images_C).sum(axis=1)
        rows_BC = first_BC @ self.distances_CC
        across_B, within_B = (rows_BC * (1 - first_BC)).sum(axis=1), (rows_BC * first_BC).sum(axis=1)
        rest_B = self.distances_CC.sum() - 2 * across_B - within_B
        own_B, other_B = (
            total_B**2 - (chosen_BC * self.images_C**2).sum(axis=1)
            for total_B, chosen_BC in ((n_B, first_BC), (m_B, 1 - first_BC))
        )
        counts_B = (own_B > 0) & (other_B > 0)
        n_B, m_B, own_B, other_B = (np.where(counts_B, one_B, 1.0) for one_B in (n_B, m_B, own_B, other_B))
        between_B = 2 * across_B / (n_B * m_B)
        weight_B = counts_B * n_B * m_B / (n_B + m_B)
        return weight_B * (between_B - within_B / own_B - rest_B / other_B), weight_B * between_B


class FrameDistances:
    """The distances between images of a model's features, from which any division of the frames is measured."""

    def __init__(self, said: Said) -> None:
        assert said.features_ND is not None
        self._classes = [
            _of_class(said.features_ND[rows], said.frames_N[rows])
            for c in range(said.probabilities_NK.shape[1])
            if len(rows := np.flatnonzero(said.predicted == c))
        ]

    def sizes(self, is_first_BF: Array) -> Array:
        """The size (B,) for each of B divisions of the frames (1: in the first set); NaN where no class has a part."""
        parts = [one.parts(is_first_BF) for one in self._classes]
        distance_B, scale_B = (np.sum([part[place] for part in parts], axis=0) for place in (0, 1))
        size_B: Array = np.divide(distance_B, scale_B, out=np.full(len(is_first_BF), np.nan), where=scale_B > 0)
        return size_B


class ClassShares:
    """The shares of the predicted classes, whose total variation is measured for any division of the frames."""

    def __init__(self, said: Said) -> None:
        self._images_FK = np.zeros((said.frames, said.probabilities_NK.shape[1]))
        np.add.at(self._images_FK, (said.frames_N, said.predicted), 1.0)

    def sizes(self, is_first_BF: Array) -> Array:
        """sum_c |p_c - q_c| / 2 (B,) for each of B divisions of the frames."""
        first_BK, second_BK = (part_BF @ self._images_FK for part_BF in (is_first_BF, 1 - is_first_BF))
        shares = [part_BK / part_BK.sum(axis=1, keepdims=True) for part_BK in (first_BK, second_BK)]
        difference_B: Array = np.abs(shares[0] - shares[1]).sum(axis=1) / 2
        return difference_B


def _of_class(features_ND: Array, frames_N: Places) -> _Class:
    import torch

    order = np.argsort(frames_N, kind="stable")
    frames_C, start_C = np.unique(frames_N[order], return_index=True)
    x_ND = torch.from_numpy(np.ascontiguousarray(features_ND[order], dtype=np.float32))
    distances_NN = torch.cdist(x_ND, x_ND).numpy()
    by_frame_CC = np.add.reduceat(np.add.reduceat(distances_NN, start_C, axis=0), start_C, axis=1).astype(np.float64)
    np.fill_diagonal(by_frame_CC, 0.0)
    return _Class(frames_C, np.diff(np.append(start_C, len(order))).astype(np.float64), by_frame_CC)
