"""How much each pseudo-label is trusted, by the confidence of the prediction."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Weighting(nn.Module, ABC):
    """Weighs predictions in [0, 1]. What it learns of the confidence lives in buffers, hence in checkpoints."""

    momentum = 0.99
    """Of the moving averages. Published as 0.999 for a million steps; transfers here take some thousands."""

    @torch.no_grad()
    def forward(self, probabilities_BK: Tensor) -> Tensor:
        """Weights (B,), in the dtype of `probabilities_BK` (B, K). In training mode, takes note of them first."""
        if self.training:
            self.update(probabilities_BK)
        return self.weigh(probabilities_BK).to(probabilities_BK.dtype)

    def update(self, probabilities_BK: Tensor) -> None:
        """Take note of a batch. Nothing to do unless the weighting adapts."""

    @abstractmethod
    def weigh(self, probabilities_BK: Tensor) -> Tensor:
        """Weights (B,) by what is known so far."""

    def average(self, buffer: Tensor, value: Tensor) -> None:
        """Move `buffer` towards `value` of the same shape, in place."""
        buffer.mul_(self.momentum).add_(value, alpha=1 - self.momentum)
