"""The light translator: a per-pixel lift, batch norm and one convolution, on top of a channel copy."""

from __future__ import annotations

from torch import Tensor, nn

from sfcmt.models.translators import TRANSLATORS
from sfcmt.models.translators.copy import channel_copy

_WIDTH = 32


@TRANSLATORS.register("light")
class LightTranslator(nn.Module):
    """T(x) = copy(x) + conv3x3(ReLU(BN(conv1x1(x)))), the last convolution starting at zero."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()
        first = nn.Conv2d(channels, _WIDTH, 1, bias=False)
        self.lift = nn.Sequential(first, nn.BatchNorm2d(_WIDTH), nn.ReLU(inplace=True))
        self.out = nn.Conv2d(_WIDTH, 3, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 3, H, W)."""
        return channel_copy(x_BCHW) + self.out(self.lift(x_BCHW))  # type: ignore[no-any-return]
