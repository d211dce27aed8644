from __future__ import annotations

import math

import pytest
import torch

from sfcmt.losses.information_maximisation import information_maximisation


def _entropy(probabilities: list[float]) -> float:
    return -sum(p * math.log(p) for p in probabilities if p > 0)


def test_by_hand() -> None:
    p_BK = [[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]
    expected = (_entropy(p_BK[0]) + _entropy(p_BK[1])) / 2 - _entropy([0.4, 0.15, 0.45])
    assert information_maximisation(torch.tensor(p_BK).double().log()).item() == pytest.approx(expected, rel=1e-6)


def test_is_least_where_confident_and_balanced_and_nought_at_either_collapse() -> None:
    assert information_maximisation(1000 * torch.eye(4)).item() == pytest.approx(-math.log(4))
    assert information_maximisation(torch.zeros(4, 4)).item() == pytest.approx(0, abs=1e-6)
    assert information_maximisation(1000 * torch.eye(4)[[2, 2, 2]]).item() == pytest.approx(0, abs=1e-6)


def test_gradient_is_finite_though_a_class_has_no_probability_left() -> None:
    logits_BK = torch.tensor([[500.0, 0.0, -500.0], [0.0, 500.0, -500.0]], requires_grad=True)
    information_maximisation(logits_BK).backward()  # type: ignore[no-untyped-call]
    assert logits_BK.grad is not None
    assert logits_BK.grad.isfinite().all()
