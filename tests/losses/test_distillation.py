from __future__ import annotations

import math

import pytest
import torch

from sfcmt.losses.distillation import distillation


def test_by_hand() -> None:
    student_BK = torch.tensor([[0.5, 0.5], [0.25, 0.75]], dtype=torch.float64).log()
    teacher_BK = torch.tensor([[0.9, 0.1], [0.25, 0.75]], dtype=torch.float64)
    expected = (0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)) / 2
    assert distillation(student_BK, teacher_BK).item() == pytest.approx(expected)


def test_temperature_softens_the_student_and_scales_by_its_square() -> None:
    student_BK = 2 * torch.tensor([[0.5, 0.5], [0.25, 0.75]], dtype=torch.float64).log()
    teacher_BK = torch.tensor([[0.9, 0.1], [0.25, 0.75]], dtype=torch.float64)
    expected = 4 * (0.9 * math.log(0.9 / 0.5) + 0.1 * math.log(0.1 / 0.5)) / 2
    assert distillation(student_BK, teacher_BK, temperature=2.0).item() == pytest.approx(expected)


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_is_nought_at_equality(temperature: float) -> None:
    logits_BK = torch.randn(6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    value = distillation(logits_BK, (logits_BK / temperature).softmax(1), temperature)
    assert value.item() == pytest.approx(0, abs=1e-14)


def test_zeros_of_a_one_hot_teacher_add_nothing() -> None:
    student_BK = torch.tensor([[0.0, 0.0, -300.0]], requires_grad=True)
    value = distillation(student_BK, torch.tensor([[0.0, 1.0, 0.0]]))
    value.backward()  # type: ignore[no-untyped-call]
    assert value.item() == pytest.approx(math.log(2))
    assert student_BK.grad is not None
    assert student_BK.grad.tolist() == [[0.5, -0.5, 0.0]]
    assert distillation(1000 * torch.eye(3), torch.eye(3)).item() == 0
