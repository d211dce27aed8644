"""Features of the two sides of a pair coincide."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def feature_matching(student_BD: Tensor, teacher_BD: Tensor) -> Tensor:
    """Squared difference of paired features (B, D), mean over the batch and over the dimensions.

        L_f = 1/(B D) sum_i ||F_t(x_i^t) - F_s(x_i^s)||^2

    The papers' squared norm is D times this. The mean is taken so that a weight found for one bottleneck width keeps
    its meaning at another.
    Source: TGKT, arXiv 2401.05014, L_f; SOCKET, Ahmed et al., ECCV 2022, the TI feature distance.
    """
    return F.mse_loss(student_BD, teacher_BD)
