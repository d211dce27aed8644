"""The hold-out of source rows: no class is lost, groups stay whole, and classes have about the same share."""

from __future__ import annotations

import numpy as np
import pytest

from sfcmt.data.holdout import stratified_holdout

FRACTIONS = [0.001, 0.15, 0.5, 0.999]


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_of_a_thousand_classes_of_three_images_none_is_lost(fraction: float) -> None:
    label_N = np.repeat(np.arange(1000), 3)
    held_N = stratified_holdout([f"image {row}" for row in range(3000)], label_N, fraction)
    trained = np.bincount(label_N[~held_N], minlength=1000)
    assert trained.min() >= 1
    assert held_N.any()
    if fraction <= 0.5:
        assert held_N.mean() == pytest.approx(fraction, abs=0.02)


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_a_class_of_one_image_is_trained_whatever_it_is_called(fraction: float) -> None:
    label_N = np.array([0] * 20 + [1] * 20 + [2])
    for number in range(50):
        groups = [*map(str, range(40)), f"eel{number}"]
        held_N = stratified_holdout(groups, label_N, fraction)
        assert not held_N[-1]
        assert {*label_N[~held_N]} == {0, 1, 2}
        assert held_N.any()


@pytest.mark.parametrize("fraction", [0.15, 0.3, 0.5])
def test_every_class_has_the_fraction_but_for_one_group(fraction: float) -> None:
    sizes = [5, 10, 20, 41]
    label_N = np.repeat(np.arange(4), sizes)
    held_N = stratified_holdout([*map(str, range(len(label_N)))], label_N, fraction)
    for size, held in zip(sizes, np.bincount(label_N[held_N], minlength=4), strict=True):
        assert abs(held - fraction * size) < 1


def test_groups_of_several_classes_stay_whole_and_leave_every_class_something() -> None:
    random = np.random.default_rng(0)
    label_N, frame_N = random.integers(0, 30, 200), random.integers(0, 25, 200)
    groups = [f"frame {frame}" for frame in frame_N]
    before = np.zeros(200, dtype=bool)
    for fraction in (0.05, 0.2, 0.5, 0.9, 0.999):
        held_N = stratified_holdout(groups, label_N, fraction)
        assert {*label_N[~held_N]} == {*label_N}
        assert not {*frame_N[held_N]} & {*frame_N[~held_N]}
        assert (held_N | ~before).all()  # a larger hold-out contains a smaller one
        before = held_N
    assert before.any()


@pytest.mark.parametrize(("groups", "labels"), [(["a", "a"], [0, 1]), (["a", "b"], [0, 1]), ([], [])])
def test_nothing_is_held_out_where_it_would_be_the_last_of_a_class(groups: list[str], labels: list[int]) -> None:
    assert not stratified_holdout(groups, np.array(labels, dtype=np.int64), 0.5).any()


def test_the_order_of_rows_plays_no_part() -> None:
    random = np.random.default_rng(1)
    label_N, groups = random.integers(0, 4, 60), [f"g{row // 2}" for row in range(60)]
    order = random.permutation(60)
    mixed = stratified_holdout([groups[row] for row in order], label_N[order], 0.3)
    assert (mixed == stratified_holdout(groups, label_N, 0.3)[order]).all()
