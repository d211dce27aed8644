"""The linear translator: each colour is a weighted sum of the channels, as a multispectral camera's bands ask for."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sfcmt.models.translators import TRANSLATORS


@TRANSLATORS.register("project")
class Projection(nn.Module):
    """T(x) = A x + b per pixel: a 1x1 convolution that starts as a channel copy."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.out = nn.Conv2d(channels, 3, 1)
        start = torch.eye(3) if channels == 3 else torch.full((3, channels), 1 / channels)
        with torch.no_grad():
            self.out.weight.copy_(start[..., None, None])
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 3, H, W)."""
        return self.out(x_BCHW)  # type: ignore[no-any-return]
