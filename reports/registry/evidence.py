"""Whether a challenger beats a champion: paired differences over the target images that both have answered.

Without labels: agreement with an ensemble, as EnsV (Hu et al. 2023) scores the models of a pool. The ensemble is the
mean of both models' pools, each counting half, so that a large pool does not outvote a small one:

    e_i = argmax_k (P_ik + Q_ik) / 2,  d_i = 1[challenger_i = e_i] - 1[champion_i = e_i]

By sealed labels: class-balanced accuracy. With n_c images of class c among N, K classes that have images:

    d_i = (1[challenger_i = y_i] - 1[champion_i = y_i]) N / (K n_c)

so that the mean of d is the difference of the two balanced accuracies. Images are resampled within their class. The
interval is about other images of this kind; it says nothing of other seeds, and takes images as independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfcmt.reports.statistics.interval import Interval

if TYPE_CHECKING:
    from torch import Tensor

    from sfcmt.reports.registry.predictions import Predictions
    from sfcmt.reports.statistics.samples import Array

AGREEMENT, ORACLE = "joint_ensemble_agreement", "oracle_balanced_accuracy"


@dataclass(frozen=True)
class Evidence:
    """One score of both models on the same `n` images, and an interval of `challenger - champion`."""

    score: str
    challenger: float
    champion: float
    n: int
    interval: Interval | None
    """None if a class has a single image."""

    @property
    def convinces(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.interval is not None and self.interval.low > 0

    def __str__(self) -> str:
        points = f"{self.score} {100 * self.challenger:.1f} against {100 * self.champion:.1f} %"
        if self.interval is None:
            return f"{points} (no interval: a class has a single image; n {self.n})"
        low, high = 100 * self.interval.low, 100 * self.interval.high
        return f"{points}, difference in [{low:+.1f}, {high:+.1f}] at {self.interval.level:.0%}, n {self.n}"


def agreement(challenger: Predictions, champion: Predictions) -> Evidence:
    """Compare without labels."""
    from sfcmt.reports.statistics.intervals import bootstrap_interval, mean

    ensemble_N = (challenger.ensemble.double() + champion.ensemble.double()).argmax(dim=1)
    ours_N, theirs_N = (_numbers(one.logits.argmax(dim=1) == ensemble_N) for one in (challenger, champion))
    interval = bootstrap_interval((ours_N - theirs_N,), mean)
    return Evidence(AGREEMENT, float(ours_N.mean()), float(theirs_N.mean()), len(ours_N), interval)


def oracle(challenger: Predictions, champion: Predictions, labels_N: Tensor) -> Evidence:
    """Compare by sealed labels."""
    import numpy as np

    from sfcmt.evaluation.scores import score
    from sfcmt.reports.statistics.intervals import bootstrap_interval, mean

    right = [_numbers(one.logits.argmax(dim=1) == labels_N) for one in (challenger, champion)]
    classes_N = labels_N.numpy()
    strata = [(right[0] - right[1])[classes_N == label] for label in np.unique(classes_N)]
    weighted = tuple(stratum * len(classes_N) / (len(strata) * len(stratum)) for stratum in strata)
    ours, theirs = (score(one.logits, labels_N).balanced_accuracy for one in (challenger, champion))
    return Evidence(ORACLE, ours, theirs, len(classes_N), bootstrap_interval(weighted, mean))


def _numbers(truths_N: Tensor) -> Array:
    numbers: Array = truths_N.double().numpy()
    return numbers
