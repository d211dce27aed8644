"""From stored pixel values to what networks take."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sfcmt.data.manifest import Holes, Normalisation


class Normalise(nn.Module):
    """(x - mean) / std per channel, in units of the stored pixels; masked holes (0 in all channels) become the mean."""

    mean: Tensor
    std: Tensor

    def __init__(self, normalisation: Normalisation, holes: Holes = "keep") -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(normalisation.mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(normalisation.std).view(1, -1, 1, 1), persistent=False)
        self.masked = holes == "mask"

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Stored pixels (B, C, H, W) of any number type -> float32, about zero mean and unit variance."""
        pixels = x_BCHW.float()
        normal = (pixels - self.mean) / self.std
        return torch.where((pixels == 0).all(dim=1, keepdim=True), 0.0, normal) if self.masked else normal
