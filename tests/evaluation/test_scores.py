"""Scores against numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import one_hot

from sfcmt.evaluation.scores import score

#                       true 0: 2 of 3 right   1: 1 of 2   2: 1 of 1
LABELS = torch.tensor([0, 0, 0, 1, 1, 2])
PREDICTED = torch.tensor([0, 0, 1, 1, 2, 2])


def test_scores_of_a_small_example() -> None:
    found = score(3.0 * one_hot(PREDICTED, 3) - 1, LABELS)
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert found.confusion_KK.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]


def test_a_class_without_images_has_no_part_in_the_balanced_accuracy() -> None:
    found = score(one_hot(torch.tensor([0, 3, 1, 1]), 4).float(), torch.tensor([0, 0, 1, 1]))
    assert found.balanced_accuracy == pytest.approx((1 / 2 + 1) / 2)
    assert found.confusion_KK.tolist() == [[1, 0, 0, 1], [0, 2, 0, 0], [0] * 4, [0] * 4]


def test_balanced_accuracy_does_not_reward_the_largest_class() -> None:
    labels = torch.tensor([0] * 9 + [1])
    found = score(one_hot(torch.zeros(10, dtype=torch.int64), 2).float(), labels)
    assert found.accuracy == pytest.approx(0.9)
    assert found.balanced_accuracy == pytest.approx(0.5)


def test_images_that_are_held_out_are_judged_apart() -> None:
    held_out = torch.tensor([False, False, True, False, True, False])
    found = score(3.0 * one_hot(PREDICTED, 3) - 1, LABELS, held_out)
    assert found.accuracy == found.balanced_accuracy == 1
    assert found.figures == {"accuracy": 1, "balanced_accuracy": 1, "held_out_accuracy": 0} | {
        "held_out_balanced_accuracy": 0
    }
    assert found.held_out is not None
    assert found.held_out.confusion_KK.tolist() == [[0, 1, 0], [0, 0, 1], [0] * 3]
