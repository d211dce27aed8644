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
    def weak_labels(self) -> Reals:
        """(n, K): the mean of what the source model says of the nearest pairs."""
        weak: Reals = self.probabilities_MK[self.nearest_nk].mean(axis=1)
        return weak

    @cached_property
    def votes(self) -> Integers:
        """(M,): how often each pair is among the nearest: a few hubs make few witnesses of many pairs."""
        return np.bincount(self.nearest_nk.ravel(), minlength=len(self.probabilities_MK))

    @property
    def effective_pairs(self) -> float:
        """So many pairs, asked equally often, would say as much."""
        return float(self.votes.sum() ** 2 / (self.votes**2).sum())

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
