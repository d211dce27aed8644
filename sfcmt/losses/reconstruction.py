"""Translated images resemble the real source images that they are paired with."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def reconstruction(translated_BCHW: Tensor, real_BCHW: Tensor) -> Tensor:
    """Mean squared error over pixels, of T(x^t) against its paired x^s, both (B, C, H, W).

        L_rec = 1/(B C H W) sum (T(x_i^t) - x_i^s)^2

    Source: TGMB, arXiv 2401.05014, L_rec.
    """
    return F.mse_loss(translated_BCHW, real_BCHW)
