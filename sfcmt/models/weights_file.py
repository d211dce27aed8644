"""Weights from a checkpoint file of a stranger's, safetensors or `torch.save`, read without running anything in it."""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

from safetensors import SafetensorError
from torch import Tensor

from sfcmt.errors import ModelError
from sfcmt.models.foreign.file_kind import kind_of
from sfcmt.models.foreign.safetensors_file import read_safetensors
from sfcmt.models.foreign.state_dicts import chosen
from sfcmt.models.foreign.stored_tensor import StoredTensor
from sfcmt.models.foreign.text import listed, shortened
from sfcmt.models.foreign.torch_file import open_legacy, open_zip

_DAMAGE = (
    *(BadZipFile, SafetensorError, NotImplementedError, struct.error),
    *(EOFError, ValueError, LookupError, OverflowError),
)


@dataclass(frozen=True)
class Weights:
    """The tensors of a network by their names, on the CPU and of the type that the file has them in."""

    tensors: dict[str, Tensor]
    taken: str
    """Which part of the file they are; empty where there is no choice."""
    notes: tuple[str, ...] = ()
    """What is strange about them."""

    @property
    def told(self) -> tuple[str, ...]:
        """What the user should know, a line each."""
        return ((f"taken are {self.taken}",) if self.taken else ()) + self.notes


def read_weights(path: Path, key: str | None = None) -> Weights:
    """The weights in a file, whose format its content decides; `key` is the dotted path of a part of it.

    Where the file has an average of weights beside the weights themselves, the average is taken.
    Raises `ModelError`, in one line, for a file that is missing, damaged, of another format, or more than tensors.
    """
    try:
        tensors, taken = _read(path, key)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({shortened(error.strerror or error)})") from error
    except _DAMAGE as error:
        raise ModelError(f"{path}: damaged or cut short ({shortened(error)})") from error
    return Weights(tensors, taken, tuple(_notes(tensors)))


def _read(path: Path, key: str | None) -> tuple[dict[str, Tensor], str]:
    kind = kind_of(path)
    if kind == "safetensors":
        return chosen(read_safetensors(path), key, Tensor)
    with (open_zip if kind == "zip" else open_legacy)(path) as (content, read):
        state, taken = chosen(content, key, StoredTensor)
        read_once = functools.cache(read)
        return {name: tensor.read(read_once) for name, tensor in state.items()}, taken


def _notes(tensors: Mapping[str, Tensor]) -> Iterable[str]:
    broken = [name for name, tensor in tensors.items() if not _is_finite(tensor)]
    if broken:
        yield f"{len(broken)} of {len(tensors)} tensors hold NaN or infinite values ({listed(broken)})"


def _is_finite(tensor: Tensor) -> bool:
    """By the least and the greatest value, which are NaN if any is: many times faster than a look at each value."""
    if not tensor.is_floating_point() or not tensor.numel():
        return True
    low, high = (tensor if tensor.element_size() > 1 else tensor.float()).aminmax()
    return bool(low.isfinite() and high.isfinite())
