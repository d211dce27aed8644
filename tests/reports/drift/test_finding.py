"""Verdicts by the size: for images of the same kind, of other classes, of another sensor, and for few of them."""

from __future__ import annotations

import numpy as np
import pytest

from sfcmt.reports.drift.finding import LEAST, Verdict, compare
from sfcmt.reports.drift.said import Said


def images(seed: int, frames: int = 60, shift: float = 0.0, shares: tuple[float, ...] = (0.5, 0.5)) -> Said:
    """Two classes that lie apart; the three images of a frame are near each other."""
    random = np.random.default_rng(seed)
    classes_F = random.choice(len(shares), frames, p=shares)
    centres_FD = 3.0 * np.eye(8)[classes_F] + random.normal(size=(frames, 8))
    features_ND = np.repeat(centres_FD, 3, axis=0) + 0.2 * random.normal(size=(3 * frames, 8)) + shift
    logits_NK = 4.0 * np.eye(len(shares))[np.repeat(classes_F, 3)]
    return Said.of(features_ND, logits_NK, np.repeat(np.arange(frames), 3))


@pytest.mark.parametrize("seed", range(1, 9))
def test_images_of_the_same_kind_have_not_drifted(seed: int) -> None:
    found = compare(images(seed), images(0))
    assert found.verdict is Verdict.NONE
    assert (found.images, found.frames, found.adapted_images, found.adapted_frames) == (180, 60, 180, 60)


def test_another_sensor_is_drift_and_other_class_shares_alone_are_not() -> None:
    moved = compare(images(1, shift=0.7), images(0))
    assert moved.verdict is Verdict.ADAPT
    assert moved.distance is not None
    assert moved.distance.size > moved.distance.limit > moved.distance.typical
    assert moved.distance.p_value == 0.001
    other = compare(images(1, shares=(0.95, 0.05)), images(0))
    assert other.verdict is Verdict.SHARES
    assert other.class_shares[0][1] > 0.85
    assert other.distance is not None
    assert not other.distance.is_large


def test_what_is_significant_and_small_is_no_drift() -> None:
    found = compare(images(1, frames=600, shift=0.15), images(0, frames=600))
    assert found.distance is not None
    assert found.distance.p_value < 0.05
    assert found.distance.limit == LEAST
    assert found.verdict is Verdict.NONE


@pytest.mark.parametrize(("new", "adapted"), [(4, 60), (60, 4)])
def test_of_few_frames_nothing_is_said(new: int, adapted: int) -> None:
    found = compare(images(1).chosen(np.arange(3 * new)), images(0, adapted))
    assert found.verdict is Verdict.FEW
    assert found.distance is found.shares is None


def test_without_features_only_predictions_are_compared() -> None:
    adapted = Said(None, images(0).probabilities_NK, np.arange(180), False)
    found = compare(images(1, shares=(0.95, 0.05)), adapted)
    assert found.verdict is Verdict.UNKNOWN
    assert found.distance is None
    assert found.shares is not None
    assert found.shares.is_large
