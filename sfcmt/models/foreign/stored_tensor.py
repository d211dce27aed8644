"""Tensors as a pickle of `torch.save` describes them, before a byte of their values is read."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sfcmt.errors import ModelError
from sfcmt.models.foreign.text import shortened

ReadStorage = Callable[["Storage"], Tensor]
"""The bytes of a storage, as a flat uint8 tensor."""

DTYPES = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64, torch.complex128),
    *(torch.float8_e4m3fn, torch.float8_e4m3fnuz, torch.float8_e5m2, torch.float8_e5m2fnuz),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.bool),
    *(torch.uint64, torch.uint32, torch.uint16, torch.uint8),
)
"""What tensors may be of: all that torch converts to all."""
_MOST_DIMENSIONS = 64


@dataclass(frozen=True)
class Storage:
    """A block of values in the file."""

    dtype: torch.dtype
    key: str
    elements: int

    @property
    def size(self) -> int:
        """Bytes."""
        return self.elements * self.dtype.itemsize


@dataclass(frozen=True)
class StoredTensor:
    """A strided view of a storage; offset and strides count elements of `dtype`."""

    storage: Storage
    dtype: torch.dtype
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def read(self, read: ReadStorage) -> Tensor:
        """The tensor. Raises `ModelError` if it reaches beyond its storage."""
        if self._reach() > self.storage.size // self.dtype.itemsize:
            raise ModelError(f"damaged: a tensor of {shape_text(self.shape)} reaches beyond its storage")
        try:
            if 0 in self.shape:
                return torch.empty(self.shape, dtype=self.dtype)
            return read(self.storage).view(self.dtype).as_strided(self.shape, self.strides, self.offset)
        except RuntimeError as error:
            raise ModelError(f"damaged: no tensor of {shape_text(self.shape)} ({shortened(error)})") from error

    def _reach(self) -> int:
        """Elements that the storage must have: up to the last one, and no fewer than the view shows."""
        if 0 in self.shape:
            return 0
        last = self.offset + sum((n - 1) * stride for n, stride in zip(self.shape, self.strides, strict=True))
        return max(last + 1, math.prod(self.shape))


def shape_text(shape: tuple[int, ...]) -> str:
    """As in `5 x 96`."""
    return shortened(" x ".join(map(str, shape)) or "one value")


def storage(persistent_id: Any) -> Storage:
    """From the persistent id that `torch.save` writes: ("storage", type, key, device, elements)."""
    match persistent_id:
        case ("storage", torch.dtype() as dtype, str() as key, str(), int() as elements, *views) if elements >= 0:
            if any(view is not None for view in views):
                raise ModelError("holds views of storages, as torch wrote them before 0.4; save it again")
            return Storage(dtype, key, elements)
    raise ModelError("damaged: its pickle names a storage in no known way")


def tensor(block: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> StoredTensor:
    """Stands for `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`."""
    metadata = rest[2] if len(rest) > 2 else None
    return tensor_of(block, offset, shape, strides, None, None, block.dtype, metadata)


def tensor_of(
    block: Any, offset: Any, shape: Any, strides: Any, _gradient: Any, _hooks: Any, dtype: Any, metadata: Any = None
) -> StoredTensor:
    """Stands for `torch._utils._rebuild_tensor_v3`."""
    whole = isinstance(block, Storage) and isinstance(dtype, torch.dtype) and isinstance(shape + strides, tuple)
    if not whole or len(shape) != len(strides) or len(shape) > _MOST_DIMENSIONS:
        raise ModelError("damaged: its pickle describes a tensor in no known way")
    if not all(type(number) is int and 0 <= number < 2**63 for number in (offset, *shape, *strides)):
        raise ModelError("damaged: a tensor has a size that is no natural number")
    if dtype not in DTYPES:
        raise ModelError(f"holds a tensor of {dtype}; allowed: plain floats, complex and whole numbers")
    if metadata:
        raise ModelError("holds a tensor with the conjugate or negative bit set; save it resolved")
    return StoredTensor(block, dtype, offset, shape, strides)
