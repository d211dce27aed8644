"""What fixed translators have in common: one channel in, holes at the source model's mean."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from sfcmt.data.manifest import Holes, Normalisation
from sfcmt.models.normalise import Normalise


class FixedTranslator(nn.Module, ABC):
    """Stored pixels of one channel -> normalised images of three. It has neither parameters nor state."""

    def __init__(self, target: Normalisation, holes: Holes, source: Normalisation) -> None:
        """`target` and `source` are in units of stored pixels."""
        super().__init__()
        self.standardise, self.colours = Normalise(target), Normalise(source)
        self.masked = holes == "mask"

    def forward(self, x_B1HW: Tensor) -> Tensor:
        """Stored pixels (B, 1, H, W) of any number type -> float32 (B, 3, H, W)."""
        pixels = x_B1HW.float()
        known = self.known(pixels)
        return torch.where(known, self.translate(pixels, known), 0.0)

    def known(self, x_B1HW: Tensor) -> Tensor:
        """Which pixels are no holes."""
        return x_B1HW != 0 if self.masked else torch.ones_like(x_B1HW, dtype=torch.bool)

    @abstractmethod
    def translate(self, x_B1HW: Tensor, known_B1HW: Tensor) -> Tensor:
        """float32 (B, 1, H, W) -> (B, 3, H, W), finite everywhere; what it says of holes is not used."""


class DepthTranslator(FixedTranslator, ABC):
    """One that reads distances: 0 is none, whatever is done with holes."""

    def known(self, x_B1HW: Tensor) -> Tensor:
        """Where there is a distance."""
        return x_B1HW > 0
