"""Translators T: a normalised 1-channel target image -> a 3-channel source-like image."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sfcmt.registry import Registry

if TYPE_CHECKING:
    from torch import nn

TRANSLATORS: Registry[Callable[[], nn.Module]] = Registry("bridge.translator", "sfcmt.models.translators")
"""Makes a translator that maps (B, 1, H, W) to (B, 3, H, W) and starts as a channel copy."""
