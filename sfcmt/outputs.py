"""What a trained target model says of the data: all that scoring and validators ever need of it.

Shapes: N target images, M held-out TI pairs, K classes, D bottleneck features.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

OUTPUTS = "outputs.safetensors"
"""A transfer's file of them."""


@dataclass(frozen=True)
class Outputs:
    """Float32 outputs, rows in the order of the data set's files."""

    target_logits: Tensor
    """(N, K): the target model on the TR target images."""
    target_features: Tensor
    """(N, D): the same, at the bottleneck."""
    pair_logits: Tensor
    """(M, K): the target model on the target side of held-out TI pairs."""
    pair_features: Tensor
    """(M, D): the same, at the bottleneck."""
    pair_source_logits: Tensor
    """(M, K): the source model on the source side of the same pairs."""
    pair_source_features: Tensor
    """(M, D): the same, at the bottleneck."""

    @property
    def has_pairs(self) -> bool:
        """Whether there are held-out pairs; without them, M is 0."""
        return len(self.pair_logits) > 0

    def save(self, path: Path) -> None:
        """Write to a safetensors file."""
        from safetensors.torch import save_file

        save_file({field.name: getattr(self, field.name).contiguous() for field in fields(self)}, path)

    @staticmethod
    def load(path: Path) -> Outputs:
        """Read what `save` wrote."""
        from safetensors.torch import load_file

        return Outputs(**load_file(path))
