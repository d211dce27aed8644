"""What pairs tell of target images: the pairs nearest to each, and what the source model says of their source side.

Shapes: n judged target images, k nearest pairs, M pairs, K classes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sfcmt.errors import StoreError

Reals = NDArray[np.float64]
Integers = NDArray[np.int64]
FILE = "pair_evidence.safetensors"


@dataclass(frozen=True)
class PairEvidence:
    """Made once from a source model and data, by no target model; all models of a pool are judged by the same."""

    rows_n: Integers
    """Which target images are judged."""
    nearest_nk: Integers
    """Of each, the nearest pairs."""
    probabilities_MK: Reals
    """What the source model says of the source side of each pair."""
    target_frames_n: Integers
    pair_frames_M: Integers
    """The frame of each: images of one frame count as one witness."""

    @cached_property
    def truth(self) -> Reals:
        """(M, K): what the source model says, q, centred."""
        truth: Reals = self.probabilities_MK - self.probabilities_MK.mean(axis=0)
        return truth

    @cached_property
    def truth_spread(self) -> Reals:
        """(K, K): the sum of q q' over all pairs."""
        spread: Reals = self.truth.T @ self.truth
        return spread

    @property
    def effective_pairs(self) -> float:
        """So many pairs, asked equally often, would say as much: a few hubs make few witnesses of many pairs."""
        asked_M = np.bincount(self.nearest_nk.ravel(), minlength=len(self.probabilities_MK))
        return float(asked_M.sum() ** 2 / (asked_M**2).sum())

    @cached_property
    def frames_nk(self) -> tuple[Integers, Integers, Integers]:
        """The frame of the pair, that of the target image, and both together, numbered, for each of the nearest."""
        pairs_nk = _numbered(self.pair_frames_M)[self.nearest_nk]
        targets_nk = np.broadcast_to(_numbered(self.target_frames_n)[:, None], pairs_nk.shape)
        return pairs_nk, targets_nk, _numbered(pairs_nk * (targets_nk.max() + 1) + targets_nk)

    @cached_property
    def degrees(self) -> int:
        """Of freedom: the fewer of both kinds of frames, less one; 1 at least."""
        return max(1, min(len(np.unique(one)) for one in (self.pair_frames_M, self.target_frames_n)) - 1)

    def save(self, folder: Path) -> None:
        """Write `pair_evidence.safetensors` into a folder."""
        from safetensors.numpy import save_file

        save_file({name: np.ascontiguousarray(array) for name, array in asdict(self).items()}, folder / FILE)

    @staticmethod
    def load(folder: Path) -> PairEvidence:
        """Read what `save` wrote. Raises `StoreError`."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            return PairEvidence(**load_file(folder / FILE))
        except (OSError, SafetensorError, TypeError) as error:
            raise StoreError(f"{folder / FILE}: not the evidence of pairs ({error})") from error


def _numbered(frames: Integers) -> Integers:
    """The same frames, as numbers from 0."""
    return np.unique(frames, return_inverse=True)[1].reshape(frames.shape)
