"""How much of what a model says of target images agrees with what the pairs near them say: its association with them.

With o_i the model's class of image i as a one-hot vector and q_j what the source model says of the source side of pair
j, both centred, and u_j the sum of o_i / (n k) over the images i that have pair j among their k nearest:

    S = sum_j <u_j, q_j> = sum_c Cov_i(o_ic, w_ic),   w_i the mean of q_j over the nearest pairs of i
    association = S / sqrt((K - 1) tr(sum_j u_j u_j' sum_j q_j q_j')), in [-1, 1]

Only the class that a model names counts: how sure it is does not. If source images are dealt to the wrong pairs, S has
mean 0 and the variance tr(...) / (M - 1), so that nothing is won by saying the same of images that lie near each other.
Where errors of the weak labels w are independent of the model's within each class, S grows with the recall of each
class (Jaffe et al. 2015; Steinhardt and Liang 2016). Our own; standard errors are those of sums over frames of pairs
and of target images (two-way clusters: Cameron, Gelbach and Miller 2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfcmt.grounding.evidence import Integers, PairEvidence, Reals


@dataclass(frozen=True)
class Association:
    """A model's association with the pairs, and what each image adds to it with each of its nearest pairs (n, k)."""

    value: float
    parts_nk: Reals


def association(evidence: PairEvidence, predicted_N: Integers) -> Association:
    """That of a model that gives all target images (N,) of the data set these classes; 0 where it names only one."""
    classes_n, truth_MK = predicted_N[evidence.rows_n], evidence.truth
    if (scale := scale_of(evidence, classes_n)) == 0:
        return Association(0.0, np.zeros(evidence.nearest_nk.shape))
    usual_M = truth_MK @ shares_of(evidence, classes_n)
    said_nk = truth_MK[evidence.nearest_nk, classes_n[:, None]] - usual_M[evidence.nearest_nk]  # <o_i, q_j>
    parts_nk = said_nk / (evidence.nearest_nk.size * scale)
    return Association(float(parts_nk.sum()), parts_nk)


def shares_of(evidence: PairEvidence, classes_n: Integers) -> Reals:
    """How often a model names each class, (K,)."""
    shares: Reals = np.bincount(classes_n, minlength=evidence.truth.shape[1]) / len(classes_n)
    return shares


def scale_of(evidence: PairEvidence, classes_n: Integers) -> float:
    """What S is divided by; 0 where a model, or the source model, names one class of everything."""
    pairs, classes = evidence.truth.shape
    places_nk = evidence.nearest_nk * classes + classes_n[:, None]
    counts_MK = np.bincount(places_nk.ravel(), minlength=pairs * classes).reshape(pairs, classes)
    votes_MK = counts_MK - counts_MK.sum(axis=1, keepdims=True) * shares_of(evidence, classes_n)
    votes_MK = (votes_MK - votes_MK.mean(axis=0)) / evidence.nearest_nk.size
    return float(np.sqrt((classes - 1) * np.sum((votes_MK.T @ votes_MK) * evidence.truth_spread)))


@dataclass(frozen=True)
class Difference:
    """`first - second` of two associations, with an interval that takes whole frames as its units."""

    value: float
    error: float
    degrees: int
    """Of freedom."""

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """By Student's t."""
        from scipy.stats import t

        half = float(t.ppf((1 + level) / 2, self.degrees)) * self.error
        return self.value - half, self.value + half


def difference(evidence: PairEvidence, first: Association, second: Association) -> Difference:
    """The difference of two models on the same evidence."""
    parts_nk = first.parts_nk - second.parts_nk
    by_pair, by_target, by_both = (_variance(parts_nk, frames_nk) for frames_nk in evidence.frames_nk)
    error = np.sqrt(max(by_pair + by_target - by_both, by_pair, by_target))
    return Difference(first.value - second.value, float(error), evidence.degrees)


def _variance(parts_nk: Reals, frames_nk: Integers) -> float:
    """Variance of the sum of `parts_nk` if its frames, which are numbered, had been drawn."""
    sums, sizes = np.bincount(frames_nk.ravel(), weights=parts_nk.ravel()), np.bincount(frames_nk.ravel())
    clusters = int((sizes > 0).sum())
    if clusters < 2:
        return float("inf")
    deviations = sums - parts_nk.sum() * sizes / parts_nk.size
    return float((deviations**2).sum() * clusters / (clusters - 1))
