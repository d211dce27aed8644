from __future__ import annotations

import pytest
import torch

from sfcmt.losses.relational import relational


def test_by_hand_with_widths_that_differ() -> None:
    student_BD = torch.tensor([[2.0, 0.0], [0.0, 3.0], [1.0, 0.0]])  # cosines 01: 0, 02: 1, 12: 0
    teacher_BD = torch.tensor([[1.0, 0.0, 0.0], [5.0, 0.0, 0.0], [0.0, 0.0, -2.0]])  # cosines 01: 1, 02: 0, 12: 0
    assert relational(student_BD, teacher_BD).item() == pytest.approx(4 / 6)


def test_neither_rotation_nor_length_matters() -> None:
    generator = torch.Generator().manual_seed(0)
    teacher_BD = torch.randn(6, 3, generator=generator, dtype=torch.float64)
    rotation_DD, _ = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))
    lengths_B1 = torch.rand(6, 1, generator=generator, dtype=torch.float64) + 0.1
    assert relational(lengths_B1 * teacher_BD @ rotation_DD, teacher_BD).item() == pytest.approx(0, abs=1e-24)


def test_a_single_row_has_no_relations() -> None:
    assert relational(torch.ones(1, 2), torch.zeros(1, 2)).item() == 0
