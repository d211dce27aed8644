"""What the labels of an audit say of a model, or of the difference between two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from sfcmt.reports.audit.betting import METHOD as BETTING
from sfcmt.reports.audit.betting import betting_limits
from sfcmt.reports.audit.draw import Classes, Draw, Question
from sfcmt.reports.audit.frames import MIN_FRAMES, effective_frames, frames_interval
from sfcmt.reports.audit.outcomes import Answers, Outcomes, outcomes
from sfcmt.reports.audit.score import TANGO, WILSON, score_limits
from sfcmt.reports.audit.stratified import weights_of
from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.statistics.samples import Array, StatisticsError

Limits = Callable[..., tuple[Array, Array]]


@dataclass(frozen=True)
class Estimate:
    """Of accuracy, or of the difference first minus second, as a share of all N images."""

    quantity: Question
    value: float | None
    """Where labels were told; None if none was."""
    n: int
    """Images that were answered, in the order of labelling without a gap."""
    planned: int
    told: int
    """Of n: those that have a label."""
    bounds: tuple[float, float] | None
    """The estimate if all that nobody can tell were wrong, and if they were right; None without an answer."""
    interval: Interval | None
    """At the planned n, of the accuracy on the N images; around both of the bounds. None before."""
    anytime: Interval
    """The same, valid at all looks on the way at once."""
    frames: Interval | None
    """Of accuracy on images to come; None if frames are not known, or fewer than `MIN_FRAMES`."""
    frames_n: float | None
    """How many frames, of equal size, the labels are worth; None if frames are not known."""

    @property
    def cannot_tell(self) -> float:
        """Share of the answers."""
        return 1 - self.told / self.n if self.n else 0.0


def estimate(
    draw: Draw,
    answers: Answers,
    predicted_N: Classes,
    against_N: Classes | None = None,
    frames_N: Classes | None = None,
    level: float = 0.95,
    extended: bool = False,
) -> Estimate:
    """Estimate accuracy, or with `against_N` the difference in accuracy. Raises `StatisticsError`.

    answers: true class by row. The model need not be the one by whose predictions the draw was stratified. extended: an
    interval was seen at a smaller planned n, so that only the one which is valid at every look remains.
    """
    if not 0 < level < 1:
        raise StatisticsError(f"level {level}: a share between 0 and 1 is needed")
    found = outcomes(draw, answers, predicted_N, against_N)
    n, scale = len(found.rows_n), draw.drawable / draw.images
    weights = weights_of(*cells_of(draw, n))
    told = np.where(found.told_n, weights, 0)
    is_planned = n == len(draw.rows) and not extended
    return Estimate(
        quantity="accuracy" if against_N is None else "difference",
        value=scale * _mean(found.low_n, told) if told.any() else None,
        n=n,
        planned=len(draw.rows),
        told=int(found.told_n.sum()),
        bounds=(scale * _mean(found.low_n, weights), scale * _mean(found.high_n, weights)) if n else None,
        interval=interval_at_plan(draw, found, level) if is_planned else None,
        anytime=anytime_interval(draw, found, level),
        frames=None if frames_N is None else _over_frames(draw, found, weights, frames_N, level),
        frames_n=None if frames_N is None else effective_frames(frames_N[found.rows_n]),
    )


def interval_at_plan(draw: Draw, found: Outcomes, level: float) -> Interval:
    """Of the mean over all images, at the n that was planned."""
    return _worst_case(draw, found, score_limits, level, TANGO if found.least else WILSON)


def anytime_interval(draw: Draw, found: Outcomes, level: float) -> Interval:
    """Of the mean over all images, valid at all looks at once."""
    return _worst_case(draw, found, betting_limits, level, BETTING)


def cells_of(draw: Draw, n: int) -> tuple[Classes, Classes]:
    """Cells of the first n images, and sizes of all cells."""
    return np.array(draw.cells[:n], dtype=np.int64), np.array(draw.sizes, dtype=np.int64)


def _mean(y_n: Array, weights_n: Array) -> float:
    return float(np.clip(np.average(y_n, weights=weights_n), -1, 1))  # sums of weights may be off by a rounding


def _worst_case(draw: Draw, found: Outcomes, limits: Limits, level: float, method: str) -> Interval:
    cells, sizes = cells_of(draw, len(found.rows_n))
    of = partial(limits, cells=cells, sizes=sizes, level=level, least=found.least)
    scale = draw.drawable / draw.images
    return Interval(scale * float(of(found.low_n)[0]), scale * float(of(found.high_n)[1]), level, method)


def _over_frames(draw: Draw, found: Outcomes, weights: Array, frames_N: Classes, level: float) -> Interval | None:
    effective, scale = effective_frames(frames_N[found.rows_n]), draw.drawable / draw.images
    if effective < MIN_FRAMES:
        return None
    frames_I = np.concatenate([frames_N[found.rows_n], frames_N])

    def interval(y_n: Array) -> Interval:
        mean = _mean(y_n, weights)
        share_N = mean * (found.counts_N - scale) / draw.images  # that of drawable images differs from frame to frame
        influence_I = np.concatenate([scale * weights * (y_n - mean), share_N])
        return frames_interval(scale * mean, influence_I, frames_I, effective, level)

    low, high = interval(found.low_n), interval(found.high_n)
    return Interval(low.low, high.high, level, low.method)
