"""From the form that all images have here to what a network expects.

Outside a network that a user brought, images have one form: RGB, in units of ImageNet's mean and deviation. Target
images, normalised by their own statistics, are on the same scale then, whatever the network was trained with.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sfcmt.models.expected_input import MEAN, STD, ExpectedInput


class InputMap(nn.Module):
    """x -> (x s + m - mean) / std for a network of other statistics than ImageNet's (m, s), in its channel order."""

    scale: Tensor
    shift: Tensor

    def __init__(self, expected: ExpectedInput) -> None:
        super().__init__()
        mean, std = _column(expected.mean), _column(expected.std)
        self._flips = expected.order == "bgr"
        if self._flips:
            mean, std = mean.flip(1), std.flip(1)
        scale, shift = _column(STD) * expected.range / std, (_column(MEAN) * expected.range - mean) / std
        self._changes = not (torch.allclose(scale, scale * 0 + 1) and torch.allclose(shift, shift * 0))
        self.register_buffer("scale", scale.float(), persistent=False)
        self.register_buffer("shift", shift.float(), persistent=False)

    def forward(self, x_B3HW: Tensor) -> Tensor:
        """(B, 3, H, W) -> the same shape."""
        x = x_B3HW * self.scale + self.shift if self._changes else x_B3HW
        return x.flip(1) if self._flips else x


def _column(values: tuple[float, float, float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, 3, 1, 1)
