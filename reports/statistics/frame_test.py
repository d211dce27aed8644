"""Two models on the same images: one test of what is shown, whose units are frames.

Images of a frame are not independent, so the models swap their predictions on whole frames. The statistic is the
difference of the two balanced accuracies over its standard error. With D_fc images of class c in frame f that the first
alone has right, less those that the second alone has right, n_fc images, n_c = sum_f n_fc, F frames and K classes:

    delta_c = sum_f D_fc / n_c,  delta = mean_c delta_c
    e_f = 1/K sum_c (D_fc - delta_c n_fc) / n_c,  se^2 = F / (F - 1) sum_f e_f^2,  t = delta / se

which is what a linearised ratio of clusters gives (Cochran 1977, section 6.3). A swap turns the sign of D_f, and t is
made anew. So the p-value, the share of swaps of a |t| no smaller than ours, is exact for models that are alike in each
frame, and near it for models that are as good as each other but on different classes (Chung and Romano 2013). The
interval, delta -+ q se, has q from the same swaps: it holds 0 where the p-value is above 1 - level, and only there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.statistics.samples import Array, StatisticsError

RESAMPLES = 9999
"""Swaps that are drawn where there are more of them."""
TEST = "studentised swaps of whole frames"
_BATCH = 500
_ROUNDING = 1e-9
"""Relative differences that are rounding errors."""


@dataclass(frozen=True)
class FrameTest:
    """First minus second, in balanced accuracy. What the frames cannot give is None, and `reason` says why."""

    difference: float
    n: int
    """Images."""
    frames: int
    differing: int
    """Frames that would change the difference if the models were swapped there."""
    p_value: float | None
    min_p_value: float
    """No p-value below this was possible."""
    interval: Interval | None
    reason: str = ""


def compare_on_frames(
    first_N: NDArray[np.bool_],
    second_N: NDArray[np.bool_],
    labels_N: NDArray[np.int64],
    frames_N: NDArray[np.int64],
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> FrameTest:
    """Compare where two models are right on the same N images, (N,) each, of a class and a frame each.

    It tells two trained models apart on images of this kind, and says nothing of the methods that trained them. Raises
    `StatisticsError`.
    """
    shapes = {first_N.shape, second_N.shape, labels_N.shape, frames_N.shape}
    if len(shapes) > 1 or first_N.ndim != 1 or not len(first_N):
        raise StatisticsError(f"predictions, labels and frames of shapes {sorted(shapes)}: (N,) each is needed")
    swaps = _Swaps(first_N, second_N, labels_N, frames_N)
    least = swaps.min_p_value(resamples)
    found = FrameTest(swaps.difference, len(first_N), swaps.frames, swaps.differing, None, least, None)
    if not swaps.has_variance:
        return replace(found, reason="all images of a class are of one frame")
    t_R = np.sort(np.concatenate([*swaps.drawn(resamples)]))[::-1]
    found = replace(found, p_value=float(np.mean(t_R >= swaps.t * (1 - _ROUNDING))))
    half = _quantile(t_R, level) * swaps.error if swaps.error else np.inf
    if least > 1 - level:
        return replace(found, reason=f"they differ on {swaps.differing} frames, which give no p below {least:.2g}")
    if not np.isfinite(half):
        return replace(found, reason="the difference does not vary enough from frame to frame")
    return replace(found, interval=Interval(swaps.difference - half, swaps.difference + half, level, TEST))


class _Swaps:
    """Differences by frame and class, and what they come to under swaps of whole frames."""

    def __init__(
        self,
        first_N: NDArray[np.bool_],
        second_N: NDArray[np.bool_],
        labels_N: NDArray[np.int64],
        frames_N: NDArray[np.int64],
    ) -> None:
        _, class_N = np.unique(labels_N, return_inverse=True)
        _, frame_N = np.unique(frames_N, return_inverse=True)
        images_FK = _summed(np.ones(len(class_N)), frame_N, class_N)
        d_FK = _summed(first_N.astype(np.float64) - second_N, frame_N, class_N)
        share_K = 1 / (images_FK.shape[1] * images_FK.sum(axis=0))
        self.frames = images_FK.shape[0]
        self.has_variance = bool(((images_FK > 0).sum(axis=0) > 1).all())
        differs_F = np.diff(d_FK.indptr) > 0
        self.differing = int(differs_F.sum())
        self._shares_FK = csr_array(images_FK.multiply(share_K))
        self._d_GK = csr_array(d_FK[differs_F].multiply(share_K))  # the G frames whose swap makes a difference
        d_G = self._d_GK.sum(axis=1)
        self._square = float(d_G @ d_G)
        self._cross_GK = csr_array(self._shares_FK[differs_F].multiply(d_G[:, None]))
        self._products_KK = csr_array(self._shares_FK.T @ self._shares_FK)
        difference_1, error_1 = self._of(np.ones((1, self.differing)))
        self.difference, self.error = float(difference_1[0]), float(error_1[0])
        self.t = float(_absolute_t(difference_1, error_1)[0])

    def min_p_value(self, resamples: int) -> float:
        """The swap of nothing and that of everything have the same |t|, and so may another be, if it is drawn."""
        return max(2.0 ** (1 - self.differing), 1 / (resamples + 1)) if self.differing else 1.0

    def drawn(self, resamples: int) -> Iterator[Array]:
        """|t| of the models as they are and under other swaps: of all where these are few, else of some by chance."""
        for signs_RG in self._signs(resamples):
            yield _absolute_t(*self._of(signs_RG))

    def _signs(self, resamples: int) -> Iterator[Array]:
        """Rows of -1 and 1, the first all 1; where all are listed, one of each two that are opposites."""
        if 2 ** min(self.differing - 1, 62) <= resamples:
            codes_R = np.arange(2 ** max(self.differing - 1, 0))
            yield np.where(codes_R[:, None] >> np.arange(self.differing) & 1, -1.0, 1.0)
            return
        yield np.ones((1, self.differing))
        generator = np.random.default_rng(0)
        for start in range(0, resamples, _BATCH):
            rows = min(_BATCH, resamples - start)
            yield np.where(generator.integers(0, 2, (rows, self.differing), dtype=np.int8), -1.0, 1.0)

    def _of(self, signs_RG: Array) -> tuple[Array, Array]:
        """delta (R,) and its standard error (R,) under swaps (R, G)."""
        by_class_KR = self._d_GK.T @ signs_RG.T  # delta_c / K
        difference_R = by_class_KR.sum(axis=0)
        slopes_KR = by_class_KR / self._shares_FK.sum(axis=0)[:, None]
        crossed_R = (slopes_KR * (self._cross_GK.T @ signs_RG.T)).sum(axis=0)
        squares_R = self._square - 2 * crossed_R + (slopes_KR * (self._products_KK @ slopes_KR)).sum(axis=0)
        squares_R[squares_R < _ROUNDING * self._square] = 0
        return difference_R, np.sqrt(squares_R * self.frames / max(self.frames - 1, 1))


def _summed(values_N: Array, frame_N: NDArray[np.int64], class_N: NDArray[np.int64]) -> csr_array:
    """By frame and class, without zeros."""
    summed_FK = csr_array((values_N, (frame_N, class_N)), shape=(frame_N.max() + 1, class_N.max() + 1))
    summed_FK.sum_duplicates()
    summed_FK.eliminate_zeros()
    return summed_FK


def _absolute_t(difference_R: Array, error_R: Array) -> Array:
    """Infinite for a difference without error; 0 if there is none."""
    absolute_R = np.abs(difference_R)
    none_R = absolute_R < _ROUNDING
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(none_R, 0.0, absolute_R / error_R)


def _quantile(descending_R: Array, level: float) -> float:
    """Between the largest |t| that is not rejected and the smallest that is."""
    kept = descending_R[int((1 - level) * len(descending_R) + _ROUNDING)]
    beyond = descending_R[descending_R > kept * (1 + _ROUNDING) + _ROUNDING]
    return float((kept + beyond[-1]) / 2) if len(beyond) and np.isfinite(beyond[-1]) else float(kept)
