"""Whom an image resembles is the same in both modalities, wherever its features lie."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def relational(student_BD: Tensor, teacher_BD: Tensor) -> Tensor:
    """Mean squared difference of the cosine similarities within the batch, over pairs of different rows.

        L_rel = 1/(B (B - 1)) sum_{i != j} (cos(s_i, s_j) - cos(t_i, t_j))^2

    The widths of student (B, D) and teacher (B, D') may differ. A single row has no relations: 0.
    Source: Park et al., CVPR 2019 (relational knowledge distillation), L_RKD with a squared difference; the
    relation is that of Tung and Mori, ICCV 2019 (similarity-preserving distillation), in cosines.
    """
    difference_BB = _cosines(student_BD) - _cosines(teacher_BD)
    pairs = len(difference_BB) * (len(difference_BB) - 1) / 2
    return difference_BB.triu(diagonal=1).square().sum() / max(pairs, 1)


def _cosines(features_BD: Tensor) -> Tensor:
    directions_BD = F.normalize(features_BD, dim=1)
    return directions_BD @ directions_BD.T
