"""A guard for training steps: on a GPU, none of them may make the host wait for the device.

On a CPU nothing waits, so the guard raises on whatever would: values that Python reads, results whose shape depends on
values, and tensors that are made by, or moved from, the host without pinned memory (`sfcmt.devices.sent`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

_READS = {"item", "tolist", "cpu", "numpy", "__bool__", "__int__", "__float__", "__index__"}
_READS |= {"nonzero", "masked_select", "unique", "unique_consecutive", "argwhere", "bincount", "equal", "allclose"}
_MOVES = {"to", "cuda", "tensor", "new_tensor", "as_tensor", "from_numpy"}
_ATEN = ("_local_scalar_dense", "nonzero", "masked_select", "_unique", "unique_", "is_nonzero", "equal", "bincount")


class HostWaitsError(AssertionError):
    """A training step would make the host wait."""


class _Functions(TorchFunctionMode):
    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(function, "__name__", "")
        if name in _READS or _moves(name, args, kwargs or {}) or _masks(name, args):
            raise HostWaitsError(f"{name} in a training step")
        return function(*args, **(kwargs or {}))


class _Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = function.overloadpacket.__name__
        if name.startswith(_ATEN) or (name.startswith("index") and any(map(_is_mask, _flat(args[1:2])))):
            raise HostWaitsError(f"{name} in a training step")
        return function(*args, **(kwargs or {}))


@contextmanager
def no_host_waits() -> Iterator[None]:
    """Raise `HostWaitsError` on what would make the host wait."""
    with _Functions(), _Operations():  # type: ignore[no-untyped-call]
        yield


def _moves(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    if name not in _MOVES or kwargs.get("non_blocking"):
        return False
    given = [*args[1:], *kwargs.values()]
    return name != "to" or any(isinstance(one, (torch.device, str)) for one in given)


def _masks(name: str, args: tuple[Any, ...]) -> bool:
    return name in ("__getitem__", "__setitem__") and any(map(_is_mask, _flat(args[1:2])))


def _flat(values: Any) -> Iterator[Any]:
    for value in values:
        if isinstance(value, (tuple, list)):
            yield from _flat(value)
        else:
            yield value


def _is_mask(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype in (torch.bool, torch.uint8)
