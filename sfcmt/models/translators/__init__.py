"""Learned translators T: a normalised target image of any number of channels -> a 3-channel source-like image.

Those of `sfcmt.models.translators.fixed` learn nothing, and read stored pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sfcmt.registry import Registry

if TYPE_CHECKING:
    from torch import nn

TRANSLATORS: Registry[Callable[[int], nn.Module]] = Registry("bridge.translator", "sfcmt.models.translators")
"""Makes, for C channels, a translator that maps (B, C, H, W) to (B, 3, H, W) and starts as a channel copy.

Raises `ModelError` for a number of channels that it does not take.
"""
