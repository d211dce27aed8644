"""The number type of networks. Images, their random views, losses and statistics are in float32, whatever it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

import torch
from torch import Tensor

from sfcmt.models.classifier import Prediction

S = TypeVar("S", Tensor, Prediction)

VERSION = 3
"""Of trainings in half precision only. Before 2, coordinates of random crops were rounded to it; before 3, losses were,
and what a model said after an epoch was computed in float32."""


class Precision:
    """Runs networks in a number type; their weights stay float32."""

    def __init__(self, name: str) -> None:
        """`name` is one of `Training.precision`."""
        self._dtype: torch.dtype = getattr(torch, name)

    def __call__(self, network: Callable[[Tensor], S], x: Tensor) -> S:
        """What a network says of `x`, computed in the type and given in float32."""
        if self._dtype is torch.float32:
            return network(x)
        with torch.autocast(x.device.type, self._dtype):
            said = network(x)
        return said.float() if isinstance(said, Tensor) else Prediction(*(tensor.float() for tensor in said))


FLOAT32 = Precision("float32")


def in_float32(device: torch.device) -> AbstractContextManager[None]:
    """Context in which nothing is rounded to half precision, but by a `Precision` within it.

    Weights that are rounded there are kept, and rounded once, until it ends.
    """
    return torch.autocast(device.type, enabled=False)
