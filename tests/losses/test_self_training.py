from __future__ import annotations

import math

import pytest
import torch

from sfcmt.losses.self_training import self_training

LOGITS_BK = torch.tensor([[0.5, 0.5], [0.25, 0.75], [0.9, 0.1]], dtype=torch.float64).log()
LABELS_B = torch.tensor([0, 1, 1])


def test_mean_is_over_the_whole_batch() -> None:
    weights_B = torch.tensor([1.0, 0.5, 0.0], dtype=torch.float64)
    expected = (math.log(2) + 0.5 * math.log(4 / 3)) / 3
    assert self_training(LOGITS_BK, LABELS_B, weights_B).item() == pytest.approx(expected)


def test_nothing_trusted_teaches_nothing() -> None:
    logits_BK = LOGITS_BK.clone().requires_grad_()
    value = self_training(logits_BK, LABELS_B, torch.zeros(3))
    value.backward()  # type: ignore[no-untyped-call]
    assert value.item() == 0
    assert logits_BK.grad is not None
    assert not logits_BK.grad.any()
