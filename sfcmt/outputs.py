"""What a trained target model says of the data: all that scoring and validators ever need of it.

Logits and features are files of their own: a pool of thousands of models is scored by its logits, one model at a time.
Shapes: N target images, M held-out TI pairs, K classes, D bottleneck features.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    held_out: Tensor | None = None
    """(N,): true for target images that the model did not learn from; None where it learned from all."""

    @property
    def adapted_to(self) -> Outputs:
        """What it says where the target's images are those alone that it learned from: what chooses sees no other."""
        return self if self.held_out is None else _Rows(self, ~self.held_out)

    @property
    def has_pairs(self) -> bool:
        """Whether there are held-out pairs; without them, M is 0."""
        return len(self.pair_logits) > 0

    def save(self, folder: Path) -> None:
        """Write `logits.safetensors` and `features.safetensors` into a transfer's folder."""
        from safetensors.torch import save_file

        for file in (LOGITS, FEATURES):
            tensors = {name: getattr(self, name).contiguous() for name in NAMES if _file_of(name) == file}
            if file == LOGITS and self.held_out is not None:
                tensors[_HELD_OUT] = self.held_out
            save_file(tensors, folder / file)

    @staticmethod
    def load(folder: Path) -> Outputs:
        """What `save` wrote: each tensor is read whenever it is asked for, and none is kept."""
        return _Saved(folder)


_HELD_OUT = "held_out"
NAMES = tuple(field.name for field in fields(Outputs) if field.name != _HELD_OUT)
"""What there always is."""


def _file_of(name: str) -> str:
    return LOGITS if name.endswith("_logits") else FEATURES


class _Saved(Outputs):
    """Outputs in files; has none of the base's fields, and so is asked for each."""

    def __init__(self, folder: Path) -> None:
        object.__setattr__(self, "_folder", folder)  # the base is frozen

    def __getattr__(self, name: str) -> Tensor:
        if name not in NAMES:
            raise AttributeError(name)
        with self._open(_file_of(name)) as file:
            tensor: Tensor = file.get_tensor(name)
        return tensor

    @cached_property
    def held_out(self) -> Tensor | None:  # a field of the base, which never changes
        """As it was saved."""
        with self._open(LOGITS) as file:
            return file.get_tensor(_HELD_OUT) if _HELD_OUT in file.keys() else None  # noqa: SIM118  (no mapping)

    def _open(self, name: str) -> Any:
        from safetensors import safe_open

        path: Path = self.__dict__["_folder"] / name
        return safe_open(path if path.is_file() else path.with_name(_BOTH), framework="pt")

    def __repr__(self) -> str:
        return f"Outputs.load({self.__dict__['_folder']!r})"


class _Rows(Outputs):
    """Outputs for some of the target images; each tensor is read when it is asked for."""

    def __init__(self, outputs: Outputs, rows_N: Tensor) -> None:
        object.__setattr__(self, "_outputs", outputs)
        object.__setattr__(self, "_rows_N", rows_N)

    def __getattr__(self, name: str) -> Tensor:
        if name not in NAMES:
            raise AttributeError(name)
        tensor: Tensor = getattr(self.__dict__["_outputs"], name)
        return tensor[self.__dict__["_rows_N"]] if name.startswith("target_") else tensor
