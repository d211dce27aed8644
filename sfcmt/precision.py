"""The number type of a forward pass. Images and their random views are made in float32, whatever it is."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from sfcmt.config import Training

VERSION = 2
"""Of trainings in half precision only: before, coordinates of random crops were rounded to it."""


def forward_in(training: Training, device: torch.device) -> AbstractContextManager[None]:
    """Context in which a network computes in the training's precision; its weights stay float32."""
    dtype: torch.dtype = getattr(torch, training.precision)
    return torch.autocast(device.type, dtype, enabled=dtype is not torch.float32)


def in_float32(device: torch.device) -> AbstractContextManager[None]:
    """Context in which nothing is rounded to half precision, within a `forward_in` too."""
    return torch.autocast(device.type, enabled=False)
