"""What the best of a pool reaches by chance: its association where source images are dealt to the wrong pairs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sfcmt.grounding.association import scale_of, votes_of
from sfcmt.grounding.evidence import Integers, PairEvidence

SHUFFLES = 400


def best_by_chance(evidence: PairEvidence, predictions: Iterable[Integers], level: float = 0.95) -> float:
    """The association that the best of the models stays below in a share `level` of all shuffles.

    Whole frames are shuffled: what the source model says of the pairs of a frame stays together, since it is alike.
    """
    truth_MK = evidence.probabilities_MK - evidence.probabilities_MK.mean(axis=0)
    by_frame = np.argsort(evidence.pair_frames_M, kind="stable")
    shuffled = np.stack([truth_MK[order].ravel() for order in _orders(evidence.pair_frames_M[by_frame], by_frame)])
    best = np.full(SHUFFLES, -np.inf)
    for predicted_N in predictions:
        votes_MK, _ = votes_of(evidence, predicted_N)
        scale = scale_of(votes_MK, truth_MK)
        if scale > 0:
            best = np.maximum(best, shuffled @ votes_MK[by_frame].ravel() / scale)
    return float(np.quantile(best, level)) if np.isfinite(best).all() else 0.0


def _orders(frames_M: Integers, rows_M: Integers) -> Iterable[Integers]:
    """Rows, sorted by frame, with the frames in random order."""
    generator = np.random.default_rng(0)
    blocks = np.split(rows_M, np.flatnonzero(np.diff(frames_M)) + 1)
    for _ in range(SHUFFLES):
        yield np.concatenate([blocks[place] for place in generator.permutation(len(blocks))])
