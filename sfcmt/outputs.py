"""What a trained target model says of the data: all that scoring and validators ever need of it.

Logits and features are files of their own: a pool of thousands of models is scored by its logits, one model at a time.
Shapes: N target images, M held-out TI pairs, K classes, D bottleneck features.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LOGITS, FEATURES = "logits.safetensors", "features.safetensors"
_BOTH = "outputs.safetensors"
"""Of stores of format 1, where they were together."""


@dataclass(frozen=True, eq=False)
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

    def save(self, folder: Path) -> None:
        """Write `logits.safetensors` and `features.safetensors` into a transfer's folder."""
        from safetensors.torch import save_file

        for file in (LOGITS, FEATURES):
            save_file(
                {name: getattr(self, name).contiguous() for name in NAMES if _file_of(name) == file}, folder / file
            )

    @staticmethod
    def load(folder: Path) -> Outputs:
        """What `save` wrote: each tensor is read whenever it is asked for, and none is kept."""
        return _Saved(folder)


NAMES = tuple(field.name for field in fields(Outputs))


def _file_of(name: str) -> str:
    return LOGITS if name.endswith("_logits") else FEATURES


class _Saved(Outputs):
    """Outputs in files; has none of the base's fields, and so is asked for each."""

    def __init__(self, folder: Path) -> None:
        object.__setattr__(self, "_folder", folder)  # the base is frozen

    def __getattr__(self, name: str) -> Tensor:
        from safetensors import safe_open

        if name not in NAMES:
            raise AttributeError(name)
        folder: Path = self.__dict__["_folder"]
        path = folder / _file_of(name)
        with safe_open(path if path.is_file() else folder / _BOTH, framework="pt") as file:
            tensor: Tensor = file.get_tensor(name)
        return tensor

    def __repr__(self) -> str:
        return f"Outputs.load({self.__dict__['_folder']!r})"
