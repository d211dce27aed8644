"""What the best of a pool reaches by chance: its association where source images are dealt to the wrong pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from sfcmt.grounding.association import scale_of, shares_of
from sfcmt.grounding.evidence import Integers, PairEvidence

SHUFFLES = 400


def best_by_chance(evidence: PairEvidence, predictions: Iterable[Integers], level: float = 0.95) -> float:
    """The association that the best of the models stays below in a share `level` of all shuffles.

    Whole frames are shuffled: what the source model says of the pairs of a frame stays together, since it is alike.
    """
    truth_MK, dealt_SM = evidence.truth, np.stack(list(_shuffled(evidence.pair_frames_M)))
    asked_SM = [np.bincount(dealt_M[evidence.nearest_nk].ravel(), minlength=len(truth_MK)) for dealt_M in dealt_SM]
    usual_SK = np.stack(asked_SM) @ truth_MK / evidence.nearest_nk.size
    best = np.full(SHUFFLES, -np.inf)
    for predicted_N in predictions:
        classes_n = predicted_N[evidence.rows_n]
        if (scale := scale_of(evidence, classes_n)) > 0:
            said_S = [truth_MK[dealt_M[evidence.nearest_nk], classes_n[:, None]].mean() for dealt_M in dealt_SM]
            best = np.maximum(best, (said_S - usual_SK @ shares_of(evidence, classes_n)) / scale)
    return float(np.quantile(best, level)) if np.isfinite(best).all() else 0.0


def _shuffled(frames_M: Integers) -> Iterator[Integers]:
    """The pair (M,) whose source image each pair is dealt: pairs by frame, against the frames in random order."""
    generator, by_frame = np.random.default_rng(0), np.argsort(frames_M, kind="stable")
    blocks = np.split(by_frame, np.flatnonzero(np.diff(frames_M[by_frame])) + 1)
    for _ in range(SHUFFLES):
        dealt_M = np.empty_like(by_frame)
        dealt_M[by_frame] = np.concatenate([blocks[place] for place in generator.permutation(len(blocks))])
        yield dealt_M
