"""Accuracy on images to come: frames are the units, since images of one frame are right or wrong together."""

from __future__ import annotations

import numpy as np
from scipy import stats

from sfcmt.reports.audit.draw import Classes
from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.statistics.samples import Array

MIN_FRAMES = 10
"""Labelled frames, counted as below, under which there is no interval."""
METHOD = "t over frames"


def effective_frames(frames_n: Classes) -> float:
    """How many frames of equal size say as much as those of n images (Kish): (sum n_f)^2 / sum n_f^2."""
    counts = np.bincount(np.unique(frames_n, return_inverse=True)[1])
    return float(counts.sum() ** 2 / max((counts**2).sum(), 1))


def frames_interval(value: float, influence_I: Array, frames_I: Classes, effective: float, level: float) -> Interval:
    """Of a mean over frames to come, of which these are a random sample, from what each of I images adds to its error.

    The variance is that of a ratio estimator: the sum over frames of squared totals. effective: frames that the labels
    are worth, which give the degrees of freedom.
    """
    totals = np.bincount(np.unique(frames_I, return_inverse=True)[1], influence_I)
    half = stats.t.ppf((1 + level) / 2, effective - 1) * np.sqrt(effective / (effective - 1) * (totals**2).sum())
    return Interval(float(value - half), float(value + half), level, METHOD)
