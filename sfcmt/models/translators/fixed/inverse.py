"""Inverse depth, 1/d, standardised within each image and copied: what is near has the contrast."""

from __future__ import annotations

import torch
from torch import Tensor

from sfcmt.models.fixed_translator import DepthTranslator
from sfcmt.models.translators.fixed import FIXED


@FIXED.register("inverse")
class Inverse(DepthTranslator):
    """T(d) = (1/d - mean) / std, over the known pixels of an image, three times: no unit of depth matters."""

    def translate(self, x_B1HW: Tensor, known_B1HW: Tensor) -> Tensor:
        """Distances (B, 1, H, W) -> (B, 3, H, W)."""
        near = self.standardise.mean / torch.where(known_B1HW, x_B1HW, torch.inf)  # about 1, and 0 in holes
        count = known_B1HW.sum(dim=(2, 3), keepdim=True).clamp(min=1)
        centred = torch.where(known_B1HW, near - near.sum(dim=(2, 3), keepdim=True) / count, 0.0)
        std = (centred.square().sum(dim=(2, 3), keepdim=True) / count).sqrt()
        return (centred / std.clamp(min=1e-4)).expand(-1, 3, -1, -1)
