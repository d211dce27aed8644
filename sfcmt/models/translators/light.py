"""The light translator: a per-pixel lift, batch norm and one convolution, on top of a channel copy."""

from __future__ import annotations

from torch import Tensor, nn

from sfcmt.models.translators import TRANSLATORS

_WIDTH = 32


@TRANSLATORS.register("light")
class LightTranslator(nn.Module):
    """T(x) = (x, x, x) + conv3x3(ReLU(BN(conv1x1(x)))), the last convolution starting at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.lift = nn.Sequential(nn.Conv2d(1, _WIDTH, 1, bias=False), nn.BatchNorm2d(_WIDTH), nn.ReLU(inplace=True))
        self.out = nn.Conv2d(_WIDTH, 3, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x_B1HW: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, 3, H, W)."""
        return x_B1HW.expand(-1, 3, -1, -1) + self.out(self.lift(x_B1HW))  # type: ignore[no-any-return]
