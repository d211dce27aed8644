"""No translation: the one channel three times."""

from __future__ import annotations

from torch import Tensor, nn

from sfcmt.models.translators import TRANSLATORS


@TRANSLATORS.register("copy")
class ChannelCopy(nn.Module):
    """T(x) = (x, x, x). Has no parameters."""

    def forward(self, x_B1HW: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, 3, H, W)."""
        return x_B1HW.expand(-1, 3, -1, -1)
