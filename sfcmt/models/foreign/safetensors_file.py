"""Files of safetensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor

from sfcmt.errors import ModelError
from sfcmt.models.foreign.inert_pickle import LONGEST
from sfcmt.models.foreign.stored_tensor import DTYPES
from sfcmt.models.foreign.text import shortened


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """All tensors, tied ones under all their names. Raises `ModelError`, and what safetensors does for a bad file."""
    _refuse_duplicates(path)
    with safe_open(path, framework="pt", device="cpu") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a mapping)
        tied = file.metadata() or {}
    for tensor in tensors.values():
        if tensor.dtype not in DTYPES:
            raise ModelError(f"holds a tensor of {tensor.dtype}; allowed: plain floats, complex and whole numbers")
    return tensors | {name: tensors[other] for name, other in tied.items() if other in tensors and name not in tensors}


def _refuse_duplicates(path: Path) -> None:
    """Readers differ in which of two equal names they take."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > LONGEST or length > path.stat().st_size - 8:
            raise ModelError(
                f"damaged or cut short: its header is longer than the file, or than {LONGEST // 2**20} MiB"
            )
        try:
            json.loads(file.read(length), object_pairs_hook=_unique)
        except RecursionError as error:
            raise ModelError("damaged: its header is nested") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ModelError(f"damaged: its header has the name {shortened(name)} twice")
        found[name] = value
    return found
