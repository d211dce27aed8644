from __future__ import annotations

import math

import pytest
import torch

from sfcmt.losses.domain_adversarial import domain_adversarial, reversal_strength, reverse_gradient


def test_cross_entropy_by_hand() -> None:
    logits_B = torch.tensor([math.log(3.0), 0.0], dtype=torch.float64)  # probabilities 3/4 and 1/2
    expected = -(math.log(3 / 4) + math.log(1 / 2)) / 2
    assert domain_adversarial(logits_B, torch.tensor([True, False])).item() == pytest.approx(expected)
    assert domain_adversarial(logits_B, torch.tensor([1, 0])).item() == pytest.approx(expected)


def test_is_finite_where_the_sigmoid_saturates() -> None:
    logits_B = torch.tensor([-1000.0, 1000.0], requires_grad=True)
    value = domain_adversarial(logits_B, torch.tensor([True, False]))
    value.backward()  # type: ignore[no-untyped-call]
    assert value.item() == 1000
    assert logits_B.grad is not None
    assert logits_B.grad.tolist() == [-0.5, 0.5]


def test_reversal_keeps_the_value_and_turns_the_gradient() -> None:
    x = torch.tensor([[1.0, -2.0]], requires_grad=True)
    y = reverse_gradient(x, 0.25)
    (y * torch.tensor([4.0, 8.0])).sum().backward()  # type: ignore[no-untyped-call]
    assert y.tolist() == x.tolist()
    assert x.grad is not None
    assert x.grad.tolist() == [[-1.0, -2.0]]


def test_strength_rises_from_nought_to_one() -> None:
    assert reversal_strength(0.0) == 0
    assert reversal_strength(0.1) == pytest.approx(math.tanh(0.5))  # 2 / (1 + e^-2x) - 1 = tanh x
    assert reversal_strength(1.0) == pytest.approx(1, abs=1e-4)
