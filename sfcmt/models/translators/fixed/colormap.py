"""A perceptual colour map: equal steps of the value are steps of colour that look equal."""

from __future__ import annotations

import torch
from torch import Tensor

from sfcmt.data.manifest import Holes, Normalisation
from sfcmt.models.fixed_translator import FixedTranslator
from sfcmt.models.translators.fixed import FIXED

_VIRIDIS = (
    *((68, 1, 84), (72, 24, 106), (71, 45, 123), (66, 64, 134), (59, 82, 139), (51, 99, 141)),
    *((44, 114, 142), (38, 130, 142), (33, 145, 140), (31, 159, 136), (39, 173, 129), (61, 188, 116)),
    *((92, 200, 99), (129, 211, 77), (170, 220, 50), (213, 226, 26), (253, 231, 37)),
)
"""Colours of viridis (van der Walt and Smith, 2015; public domain), evenly spaced."""
_RANGE = 2.0
"""Deviations from the mean that the map spans, either way."""


@FIXED.register("colormap")
class ColourMap(FixedTranslator):
    """T(x) = viridis of the standardised value, by the source's statistics."""

    table: Tensor

    def __init__(self, target: Normalisation, holes: Holes, source: Normalisation) -> None:
        super().__init__(target, holes, source)
        self.register_buffer("table", torch.tensor(_VIRIDIS, dtype=torch.float32), persistent=False)

    def translate(self, x_B1HW: Tensor, known_B1HW: Tensor) -> Tensor:
        """Values (B, 1, H, W) -> (B, 3, H, W)."""
        last = len(self.table) - 1
        place_BHW = ((self.standardise(x_B1HW)[:, 0] / _RANGE + 1) / 2).clamp(0, 1) * last
        below_BHW = place_BHW.floor().clamp(max=last - 1)
        first, second = self.table[below_BHW.long()], self.table[below_BHW.long() + 1]
        rgb_BHW3 = first + (second - first) * (place_BHW - below_BHW)[..., None]
        colours: Tensor = self.colours(rgb_BHW3.permute(0, 3, 1, 2))
        return colours
