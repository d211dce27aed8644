"""No translation: one channel three times, three as they are, of any other number their mean three times."""

from __future__ import annotations

from torch import Tensor, nn

from sfcmt.models.translators import TRANSLATORS


def channel_copy(x_BCHW: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, 3, H, W): what a network of three channels sees where nothing is translated."""
    if x_BCHW.shape[1] == 3:
        return x_BCHW
    single = x_BCHW if x_BCHW.shape[1] == 1 else x_BCHW.mean(dim=1, keepdim=True)
    return single.expand(-1, 3, -1, -1)


@TRANSLATORS.register("copy")
class ChannelCopy(nn.Module):
    """T(x) = (x, x, x) of one channel. Has no parameters."""

    def __init__(self, channels: int = 1) -> None:
        super().__init__()

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 3, H, W)."""
        return channel_copy(x_BCHW)
