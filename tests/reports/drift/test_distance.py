"""The energy distance against its definition, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest

from sfcmt.reports.drift.distance import ClassShares, FrameDistances
from sfcmt.reports.drift.said import Array, Places, Said, whole_frames


def said_of(features_ND: Array, classes_N: Places, frames_N: Places, classes: int = 2) -> Said:
    return Said.of(features_ND, 9.0 * np.eye(classes)[classes_N], frames_N)


def mean_distance(first: list[tuple[Array, int]], second: list[tuple[Array, int]]) -> float:
    return float(np.mean([np.linalg.norm(x - y) for x, f in first for y, g in second if f != g]))


def test_the_size_is_that_of_its_definition() -> None:
    random = np.random.default_rng(0)
    frames_N, classes_N = np.repeat(np.arange(6), [2, 3, 1, 2, 2, 4]), np.arange(14) % 2
    features_ND, is_first_F = random.normal(size=(14, 3)), np.array([1, 0, 1, 0, 1, 0])
    expected = np.zeros(2)
    for c in range(2):
        first, second = (
            [(features_ND[i], frames_N[i]) for i in range(14) if classes_N[i] == c and is_first_F[frames_N[i]] == side]
            for side in (1, 0)
        )
        between = 2 * mean_distance(first, second)
        weight = len(first) * len(second) / (len(first) + len(second))
        own = mean_distance(first, first) + mean_distance(second, second)
        expected += weight * np.array([between - own, between])
    said = said_of(features_ND, classes_N, frames_N)
    found = FrameDistances(said).sizes(np.array([is_first_F, 1 - is_first_F], dtype=float))
    assert found == pytest.approx([expected[0] / expected[1]] * 2, rel=1e-5)


def test_it_is_0_in_the_mean_for_one_distribution_and_1_for_two_points() -> None:
    random = np.random.default_rng(0)
    frames_N, classes_N = np.arange(40), np.zeros(40, int)
    divisions_BF = random.permuted(np.tile(np.arange(40) < 10, (400, 1)), axis=1).astype(float)
    same = FrameDistances(said_of(random.normal(size=(40, 5)), classes_N, frames_N)).sizes(divisions_BF)
    assert abs(same.mean()) < 0.003
    points_ND = np.tile((np.arange(40) < 10)[:, None], (1, 5)).astype(float)
    assert FrameDistances(said_of(points_ND, classes_N, frames_N)).sizes(points_ND.T[:1]) == pytest.approx([1.0])


def test_a_class_of_one_frame_on_a_side_has_no_part_and_without_any_there_is_no_size() -> None:
    features_ND, frames_N = np.arange(8.0)[:, None], np.arange(8)
    said = said_of(features_ND, np.array([0, 0, 0, 0, 0, 0, 1, 1]), frames_N)
    alone = said_of(features_ND[:6], np.zeros(6, int), frames_N[:6])
    division = np.array([[1, 1, 0, 0, 0, 0, 1, 0.0]])
    assert FrameDistances(said).sizes(division) == pytest.approx(FrameDistances(alone).sizes(division[:, :6]))
    assert np.isnan(FrameDistances(alone).sizes(np.array([[1, 0, 0, 0, 0, 0.0]]))).all()


def test_class_shares_differ_by_their_total_variation() -> None:
    said = said_of(np.zeros((6, 1)), np.array([0, 0, 1, 1, 1, 0]), np.array([0, 0, 0, 1, 1, 2]))
    #  frames 0: 0, 0, 1   1: 1, 1   2: 0
    found = ClassShares(said).sizes(np.array([[1, 0, 0], [1, 0, 1.0]]))
    assert found == pytest.approx([2 / 3 - 1 / 3, 3 / 4])


def test_frames_stay_whole_where_some_images_are_drawn() -> None:
    frames_N = np.repeat(np.arange(50), 4)
    rows = whole_frames(frames_N, 30)
    assert len(rows) == 28
    assert (np.bincount(frames_N[rows])[np.unique(frames_N[rows])] == 4).all()
    assert (rows == whole_frames(frames_N, 30)).all()
    assert len(whole_frames(frames_N, 1)) == 4
