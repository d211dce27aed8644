"""Checkpoint files as people, and attackers, have them."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

State = dict[str, Tensor]


def network(seed: int = 0, outputs: int = 3) -> nn.Module:
    """A small network with batch-norm buffers, all of whose tensors depend on the seed."""
    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, outputs))
    layers(torch.randn(5, 3, 3, 3))
    return layers


def zipped(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def legacy(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def tensors_only(content: Any) -> bytes:
    return save(content)


WRITERS: dict[str, Callable[[Any], bytes]] = {"zip": zipped, "legacy": legacy, "safetensors": tensors_only}


def prefixed(state: State, prefix: str) -> State:
    return {prefix + name: value for name, value in state.items()}


def with_pickle(
    pickled: bytes, storages: dict[str, bytes] | None = None, compression: int = zipfile.ZIP_STORED
) -> bytes:
    """A zip file as of `torch.save`, with any pickle in it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickled)
        for key, data in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", data)
    return buffer.getvalue()


def legacy_with_pickle(pickled: bytes) -> bytes:
    """A legacy file with any pickle in the place of its content."""
    whole, inner = legacy({}), b"\x80\x02}q\x00."
    return whole.replace(inner, pickled, 1)


def text(value: str) -> bytes:
    """Opcodes that push a text."""
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def called(name: str, *arguments: bytes) -> bytes:
    """Opcodes that call a global with what other opcodes push."""
    module, _, function = name.rpartition(".")
    return f"c{module}\n{function}\n".encode() + b"(" + b"".join(arguments) + b"tR"


def number(value: int) -> bytes:
    return b"\x8a\x09" + value.to_bytes(9, "little", signed=True)


def numbers(*values: int) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def described(
    elements: int, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0, key: str = "0"
) -> bytes:
    """Opcodes that push a float32 tensor of a storage of so many elements."""
    storage = b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu") + number(elements) + b"tQ"
    return called(
        "torch._utils._rebuild_tensor_v2",
        *(storage, number(offset), numbers(*shape), numbers(*strides), b"\x89", b"N"),
    )


def state_of(pushed: bytes, name: str = "weight") -> bytes:
    """The pickle of a dict with one entry."""
    return b"\x80\x02}" + text(name) + pushed + b"s."


class Runs:
    """An object whose unpickling calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def touches(path: Path) -> Runs:
    return Runs(os.system, f"touch {path}")
