"""What a model says of a set of images, and which of these are of one frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.floating]
Places: TypeAlias = NDArray[np.integer]
MOST_IMAGES = 2000
"""Images of a set that are compared, each with each."""


@dataclass(frozen=True)
class Said:
    """Of N images: features (N, D), or None where they are not at hand, probabilities (N, K), and frames (N,)."""

    features_ND: Array | None
    probabilities_NK: Array
    frames_N: Places
    """Numbers from 0 on."""
    has_frames: bool
    """Whether frames are known; else each image stands for one."""

    @staticmethod
    def of(features_ND: Array | None, logits_NK: Array, frames_N: Places | None) -> Said:
        """From a model's features and logits."""
        shifted_NK = logits_NK - logits_NK.max(axis=1, keepdims=True)
        exp_NK = np.exp(shifted_NK.astype(np.float64))
        known = np.arange(len(logits_NK)) if frames_N is None else np.unique(frames_N, return_inverse=True)[1]
        return Said(features_ND, exp_NK / exp_NK.sum(axis=1, keepdims=True), known, frames_N is not None)

    @property
    def predicted(self) -> Places:
        """The class of each image."""
        found: Places = self.probabilities_NK.argmax(axis=1)
        return found

    @property
    def frames(self) -> int:
        """How many there are."""
        return int(self.frames_N.max()) + 1 if len(self.frames_N) else 0

    def chosen(self, rows: Places) -> Said:
        """Of some of the images."""
        frames_N = np.unique(self.frames_N[rows], return_inverse=True)[1]
        features_ND = None if self.features_ND is None else self.features_ND[rows]
        return replace(self, features_ND=features_ND, probabilities_NK=self.probabilities_NK[rows], frames_N=frames_N)

    def compact(self) -> Said:
        """Of whole frames with at most `MOST_IMAGES` images."""
        return self if len(self.frames_N) <= MOST_IMAGES else self.chosen(whole_frames(self.frames_N, MOST_IMAGES))


def whole_frames(frames_N: Places, most: int) -> Places:
    """Rows of whole frames, drawn at random but the same each time, with at most `most` images; of one at least."""
    numbers_N = np.unique(frames_N, return_inverse=True)[1]
    counts_F = np.bincount(numbers_N)
    order_F = np.random.default_rng(0).permutation(len(counts_F))
    kept = order_F[: max(1, int((counts_F[order_F].cumsum() <= most).sum()))]
    return np.flatnonzero(np.isin(numbers_N, kept))
