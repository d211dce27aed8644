from __future__ import annotations

import torch

from sfcmt.losses.feature_matching import feature_matching


def test_mean_over_rows_and_dimensions() -> None:
    student_BD = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 1.0]])
    teacher_BD = torch.tensor([[0.0, 0.0, 2.0], [0.0, 3.0, 1.0]])
    assert feature_matching(student_BD, teacher_BD).item() == (9 + 9) / 2 / 3


def test_does_not_grow_with_the_width() -> None:
    student_BD, teacher_BD = torch.ones(2, 4), torch.zeros(2, 4)
    assert feature_matching(student_BD.repeat(1, 8), teacher_BD.repeat(1, 8)) == feature_matching(
        student_BD, teacher_BD
    )
