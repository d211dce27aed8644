"""The U-Net translator (Ronneberger et al. 2015), on top of a channel copy: sees context as well as the pixel."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sfcmt.models.translators import TRANSLATORS
from sfcmt.models.translators.copy import channel_copy

_WIDTHS = (16, 32, 64)


def _block(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(True)]
    return nn.Sequential(*layers)


@TRANSLATORS.register("unet")
class UNetTranslator(nn.Module):
    """T(x) = copy(x) + U(x): three scales with skip connections, the last convolution starting at zero."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        self.down = nn.ModuleList([_block(a, b) for a, b in pairwise((channels, *_WIDTHS))])
        self.up = nn.ModuleList([_block(a + b, a) for a, b in pairwise(_WIDTHS)])
        self.out = nn.Conv2d(_WIDTHS[0], 3, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 3, H, W), for any H and W of at least 4."""
        skips: list[Tensor] = []
        x = x_BCHW
        for block in self.down:
            x = block(F.max_pool2d(x, 2) if skips else x)
            skips.append(x)
        for skip, block in zip(reversed(skips[:-1]), reversed(self.up), strict=True):
            x = block(torch.cat([skip, F.interpolate(x, size=skip.shape[2:])], dim=1))
        return channel_copy(x_BCHW) + self.out(x)  # type: ignore[no-any-return]
