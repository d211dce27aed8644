"""How well rows of one modality match rows of another, and tests of it that respect frames.

N rows in the order of the data set. `s_NN[i, j]` is the similarity of source row i and target row j.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
_PERMUTATIONS = 500


class Matching:
    """The similarities of N rows, `row_N` their places in the data set (ascending), `frame_N` the numbers of frames."""

    def __init__(self, s_NN: NDArray[np.float32], row_N: Places, frame_N: Places, seed: int) -> None:
        self._s_NN, self._row_N, self._frame_N = s_NN, row_N, frame_N
        self._chance_sums = self._permuted_means(np.random.default_rng(seed))

    def mean(self, offset: int) -> float:
        """Mean similarity of the rows i and i + `offset`."""
        return float(self._s_NN[self._rows(offset)].mean())

    def p_value(self, offset: int) -> float:
        """Chance of such a mean if frames were paired at random: permutation test with a normal tail, one-sided."""
        null = self._chance_sums
        return float(stats.norm.sf((self.mean(offset) - null.mean()) / null.std()))

    def rate(self, offset: int) -> float:
        """How often target row i + `offset` is nearer to source row i than all target rows of other frames than i's."""
        i, j = self._rows(offset)
        rivals = np.where(self._frame_N[i][:, None] == self._frame_N, -np.inf, self._s_NN[i])
        rivals[np.arange(len(i)), j] = -np.inf
        return float((self._s_NN[i, j] > rivals.max(axis=1)).mean())

    def chance(self) -> float:
        """The expected `rate(0)` of images that have nothing to do with each other."""
        rivals = len(self._frame_N) - np.bincount(self._frame_N)[self._frame_N]
        return float((1 / (1 + rivals)).mean())

    def asymmetry_p_value(self, offset: int) -> float:
        """Of rows i and i + `offset` being no more alike than i and i - `offset`: paired t-test over frames."""
        i, ahead = self._rows(offset)
        j, behind = self._rows(-offset)
        _, first, second = np.intersect1d(i, j, return_indices=True)
        differences = self._s_NN[i, ahead][first] - self._s_NN[j, behind][second]
        return positive_p_value(differences, self._frame_N[i[first]])

    def _rows(self, offset: int) -> tuple[Places, Places]:
        """The source rows that have a target row at `offset`, and these."""
        _, i, j = np.intersect1d(self._row_N + offset, self._row_N, assume_unique=True, return_indices=True)
        return i, j

    def _permuted_means(self, random: np.random.Generator) -> Floats:
        """Mean similarity with the target rows of another frame, the frames permuted; rows of a frame stay together."""
        order = np.argsort(self._frame_N, kind="stable")
        size = np.bincount(self._frame_N)
        start = np.cumsum(size) - size
        frame = self._frame_N[order]
        turn = np.arange(len(order)) - start[frame]
        means = np.empty(_PERMUTATIONS)
        for number in range(_PERMUTATIONS):
            other = random.permutation(len(size))[frame]
            means[number] = self._s_NN[order, order[start[other] + turn % size[other]]].mean()
        return means


def positive_p_value(value_N: NDArray[np.float32], frame_N: Places) -> float:
    """Of a mean that is not above 0: one-sided t-test over the frames' means. 1 if there are fewer than two frames."""
    size = np.bincount(frame_N)
    means = np.bincount(frame_N, weights=value_N)[size > 0] / size[size > 0]
    if len(means) < 2 or np.ptp(means) == 0:
        return 1.0
    return float(stats.ttest_1samp(means, 0, alternative="greater").pvalue)
