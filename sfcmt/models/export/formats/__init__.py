"""File formats that a model can be exported to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sfcmt.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor, nn

    from sfcmt.models.target_model import ModelSpec


class Format(Protocol):
    """One way to keep a model in a file."""

    def require(self) -> None:
        """Raise `ModelError` if a package that writing needs is missing."""

    def write(self, model: nn.Module, spec: ModelSpec, path: Path) -> None:
        """Write a model that maps stored pixels to logits, with its card. Raises `ModelError`."""

    def read(self, path: Path) -> Callable[[Tensor], Tensor] | None:
        """What the file computes: stored pixels -> probabilities. None if nothing here can run it."""


FORMATS: Registry[Callable[[], Format]] = Registry("export format", "sfcmt.models.export.formats")
