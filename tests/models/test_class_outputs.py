"""Outputs become classes."""

from __future__ import annotations

import torch

from sfcmt.models.class_outputs import ClassOutputs

Z = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))


def test_without_groups_each_output_is_a_class() -> None:
    assert torch.equal(ClassOutputs(None, "logsumexp")(Z), Z)


def test_one_output_is_the_second_of_two_classes() -> None:
    assert torch.equal(ClassOutputs(None, "logsumexp")(Z[:, :1]), torch.stack([torch.zeros(4), Z[:, 0]], dim=1))


def test_the_probabilities_of_a_group_are_added_and_renormalised_over_what_is_left() -> None:
    p = Z.softmax(dim=1)
    kept = torch.stack([p[:, 4], p[:, [0, 5, 2]].sum(dim=1)], dim=1)
    found = ClassOutputs(((4,), (0, 5, 2)), "logsumexp")(Z).softmax(dim=1)
    torch.testing.assert_close(found, kept / kept.sum(dim=1, keepdim=True))


def test_or_their_mean_is_taken_which_does_not_favour_large_groups() -> None:
    p = Z.softmax(dim=1)
    kept = torch.stack([p[:, 4], p[:, [0, 5, 2]].mean(dim=1)], dim=1)
    found = ClassOutputs(((4,), (0, 5, 2)), "logmeanexp")(Z).softmax(dim=1)
    torch.testing.assert_close(found, kept / kept.sum(dim=1, keepdim=True))
    same = torch.zeros(1, 6)
    assert ClassOutputs(((4,), (0, 5, 2)), "logmeanexp")(same).softmax(dim=1).tolist() == [[0.5, 0.5]]
