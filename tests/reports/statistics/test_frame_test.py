"""Two models on the same images: swaps of frames, against scipy, by hand, and over simulated models."""

from __future__ import annotations

from collections.abc import Iterable
from math import comb
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from sfcmt.reports.statistics.frame_test import FrameTest, compare_on_frames
from sfcmt.reports.statistics.samples import StatisticsError

Bools: TypeAlias = NDArray[np.bool_]
Ints: TypeAlias = NDArray[np.int64]
Case = tuple[Bools, Bools, Ints, Ints]


def case(frames: int, classes: int, lead: float, seed: int, size: int = 4) -> Case:
    """Models that share what is hard in a frame; the first has a lead, which is larger in later classes."""
    generator = np.random.default_rng(seed)
    frames_N = np.repeat(np.arange(frames), 1 + generator.poisson(size - 1, frames))
    labels_N = generator.integers(0, classes, len(frames_N))
    hard_F, own_2F = generator.normal(0, 0.6, frames), generator.normal(0, 0.6, (2, frames))
    leads_2N = (
        np.array([lead + labels_N / 2 - (classes - 1) / 4, 0 * labels_N]) + hard_F[frames_N] + own_2F[:, frames_N]
    )
    right_2N = leads_2N + generator.normal(size=leads_2N.shape) > 0
    return right_2N[0], right_2N[1], labels_N, frames_N


def by_definition(first_N: Bools, second_N: Bools, labels_N: Ints, frames_N: Ints) -> tuple[float, float]:
    """The difference and its t, as the module's equations have them."""
    d_FK, n_FK = np.zeros((2, frames_N.max() + 1, labels_N.max() + 1))
    np.add.at(d_FK, (frames_N, labels_N), first_N.astype(float) - second_N)
    np.add.at(n_FK, (frames_N, labels_N), 1)
    delta_K = d_FK.sum(axis=0) / n_FK.sum(axis=0)
    e_F = ((d_FK - delta_K * n_FK) / n_FK.sum(axis=0)).mean(axis=1)
    return delta_K.mean(), delta_K.mean() / np.sqrt(len(e_F) / (len(e_F) - 1) * (e_F**2).sum())


@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_scipys_permutation_test_with_that_statistic(seed: int) -> None:
    first_N, second_N, labels_N, frames_N = case(frames=8, classes=3, lead=0.8, seed=seed, size=8)
    models_2N = np.stack([first_N, second_N])

    def absolute_t(ours_F: Ints, theirs_F: Ints) -> float:
        rows = np.arange(len(frames_N))
        mine, other = (models_2N[one[frames_N], rows] for one in (ours_F, theirs_F))
        return abs(by_definition(mine, other, labels_N, frames_N)[1])

    pair = np.zeros(8, dtype=int), np.ones(8, dtype=int)
    expected = stats.permutation_test(
        pair, absolute_t, permutation_type="samples", vectorized=False, alternative="greater"
    )
    found = compare_on_frames(first_N, second_N, labels_N, frames_N)
    assert found.p_value is not None
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.difference == pytest.approx(by_definition(first_N, second_N, labels_N, frames_N)[0])
    assert (found.n, found.frames) == (len(labels_N), 8)
    assert found.interval is not None
    assert (0 in found.interval) == (found.p_value > 0.05)


def test_one_class_and_an_image_a_frame_is_a_test_of_signs() -> None:
    """As McNemar's: of 12 images on which they differ, the first is right on 2."""
    first = np.array([True] * 40 + [True] * 2 + [False] * 10 + [False] * 7)
    second = np.array([True] * 40 + [False] * 2 + [True] * 10 + [False] * 7)
    found = compare_on_frames(first, second, np.zeros(59, dtype=int), np.arange(59))
    assert (found.frames, found.differing, found.min_p_value) == (59, 12, 2 / 2**12)
    assert found.p_value == pytest.approx(2 * sum(comb(12, k) for k in range(3)) / 2**12)
    assert found.difference == pytest.approx(-8 / 59)


def test_copies_of_images_within_their_frames_add_nothing() -> None:
    first_N, second_N, labels_N, frames_N = case(12, 2, 0.5, 0, size=1)
    once = compare_on_frames(first_N, second_N, labels_N, frames_N)
    copies = [np.repeat(one, 5) for one in (labels_N, frames_N)]
    found = compare_on_frames(first_N.repeat(5), second_N.repeat(5), copies[0], copies[1])
    apart = compare_on_frames(first_N.repeat(5), second_N.repeat(5), copies[0], np.arange(len(copies[0])))
    assert found.n == 5 * once.n
    assert once.p_value is not None
    assert apart.p_value is not None
    assert once.interval is not None
    assert found.interval is not None
    assert found.p_value == pytest.approx(once.p_value)
    assert (found.interval.low, found.interval.high) == pytest.approx((once.interval.low, once.interval.high))
    assert apart.p_value < once.p_value


@pytest.mark.parametrize(
    ("differing", "frames", "p_value", "reason"),
    [
        (4, 20, 2 / 16, "they differ on 4 frames, which give no p below 0.12"),
        (0, 20, 1.0, "they differ on 0 frames"),
        (8, 8, 2 / 2**8, "does not vary enough"),
        (5, 1, None, "one frame"),
    ],
)
def test_what_few_frames_cannot_say_is_missing(differing: int, frames: int, p_value: float | None, reason: str) -> None:
    second = np.repeat(np.arange(frames) >= differing, 2)
    found = compare_on_frames(
        np.ones(2 * frames, dtype=bool), second, np.tile([0, 1], frames), np.arange(frames).repeat(2)
    )
    assert (found.p_value, found.interval) == (p_value, None)
    assert reason in found.reason


def test_it_does_not_depend_on_the_order_of_anything() -> None:
    first_N, second_N, labels_N, frames_N = case(60, 3, 0.3, 3)
    order = np.random.default_rng(0).permutation(len(labels_N))
    once = compare_on_frames(first_N, second_N, labels_N, frames_N)
    assert compare_on_frames(first_N[order], second_N[order], labels_N[order], frames_N[order]) == once
    turned = compare_on_frames(second_N, first_N, labels_N, frames_N)
    assert turned.p_value == once.p_value
    assert turned.difference == pytest.approx(-once.difference)


def test_size_and_coverage() -> None:
    """Bounds are binomial, at one in ten thousand. Images as units would reject a true null hypothesis far more often.

    Models are alike in balanced accuracy, as what the first leads by in one class it lacks in another; or it leads.
    """
    leads_K = 0.8 + np.array([-0.5, 0, 0.5])
    truth = float(np.mean(stats.norm.cdf(leads_K / np.sqrt(1 + 2 * 0.6**2)))) - 0.5
    alike = [case(30, 3, 0.0, seed, size=12) for seed in range(150)]
    found = [compare_on_frames(*one, resamples=199) for one in alike]
    ahead = [compare_on_frames(*case(30, 3, 0.8, seed, size=12), resamples=199) for seed in range(150)]
    images = [compare_on_frames(*one[:3], np.arange(len(one[2])), resamples=99) for one in alike[:50]]
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], 150, 0.05)
    assert low <= rejections(found) <= high
    assert [one.interval is not None and 0 in one.interval for one in found].count(False) == rejections(found)
    assert low <= [one.interval is not None and truth in one.interval for one in ahead].count(False) <= high
    assert rejections(images) > high / 3


def rejections(found: Iterable[FrameTest]) -> int:
    return sum(one.p_value is not None and one.p_value <= 0.05 for one in found)


def test_shapes() -> None:
    with pytest.raises(StatisticsError, match=r"\(2,\), \(3,\)"):
        compare_on_frames(np.ones(3, dtype=bool), np.ones(2, dtype=bool), np.zeros(3, dtype=int), np.arange(3))
