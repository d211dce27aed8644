"""Files of `torch.save`, of both its formats: their content with the tensors described, and their storages on demand.

Nothing is taken from a description before the file's own size has borne it out.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZIP_STORED, ZipFile

import torch
from torch import Tensor

from sfcmt.errors import ModelError
from sfcmt.models.foreign.inert_pickle import LONGEST, read_pickle
from sfcmt.models.foreign.stored_tensor import ReadStorage, Storage, storage
from sfcmt.models.foreign.torch_globals import GLOBALS

_PICKLE = "data.pkl"
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_LACKING = "damaged or cut short: it lacks the {} bytes of a tensor's storage"


@contextmanager
def open_zip(path: Path) -> Iterator[tuple[Any, ReadStorage]]:
    """A file of torch >= 1.6, a zip archive. Raises `ModelError`, and what `zipfile` does for a damaged one."""
    with ZipFile(path) as archive:
        root = _root(archive, path.stat().st_size)
        if f"{root}byteorder" in archive.NameToInfo:
            _refuse_other_byte_order(archive.read(f"{root}byteorder").decode())
        if archive.getinfo(root + _PICKLE).file_size > LONGEST:
            raise ModelError(f"its pickle is longer than {LONGEST // 2**20} MiB")
        content = read_pickle(io.BytesIO(archive.read(root + _PICKLE)), GLOBALS, storage)

        def read(block: Storage) -> Tensor:
            name = f"{root}data/{block.key}"
            if name not in archive.NameToInfo or archive.getinfo(name).file_size != block.size:
                raise ModelError(_LACKING.format(block.size))
            return _flat(archive.read(name))

        yield content, read


def _root(archive: ZipFile, size: int) -> str:
    """The folder within the archive that holds all, with a slash. Raises `ModelError` for another kind of archive."""
    names = archive.namelist()
    if any(name.endswith(".npy") for name in names):
        raise ModelError("an .npz file of NumPy; allowed: safetensors, or a file of torch.save")
    if any(name.endswith("/constants.pkl") for name in names):
        raise ModelError(
            'a TorchScript archive; where it was made, save torch.save(scripted.state_dict(), "weights.pth")'
        )
    roots = [name.removesuffix(_PICKLE) for name in names if name.count("/") == 1 and name.endswith(f"/{_PICKLE}")]
    if len(roots) != 1:
        raise ModelError("a zip archive that torch.save has not written; allowed: safetensors, or a file of torch.save")
    members = archive.infolist()
    if any(member.compress_type != ZIP_STORED or member.flag_bits & 1 for member in members):
        raise ModelError("its zip archive is compressed or encrypted, which torch.save does not do")
    if len(set(names)) != len(names) or sum(member.file_size for member in members) > size:
        raise ModelError("damaged: the members of its zip archive overlap")
    return roots[0]


@contextmanager
def open_legacy(path: Path) -> Iterator[tuple[Any, ReadStorage]]:
    """A file of torch < 1.6: five pickles, then the storages. Raises `ModelError`."""
    with path.open("rb") as file:
        pickles = io.BytesIO(file.read(2 * LONGEST))  # a file's own `read` takes the memory before it knows its end
        if _next(pickles) != _MAGIC:
            raise ModelError("a pickle that torch.save has not written; allowed: safetensors, or a file of torch.save")
        if _next(pickles) != _PROTOCOL:
            raise ModelError("a file of torch.save in a format that is not known")
        system = _next(pickles)
        _refuse_other_byte_order("little" if isinstance(system, dict) and system.get("little_endian") else "big")
        blocks: dict[str, Storage] = {}
        content = read_pickle(pickles, GLOBALS, lambda identifier: _noted(blocks, storage(identifier)))
        keys = _next(pickles)
        file.seek(pickles.tell())
        places = _places(file, keys, blocks)

        def read(block: Storage) -> Tensor:
            if block.key not in places or block.size != blocks[block.key].size:
                raise ModelError(_LACKING.format(block.size))
            file.seek(places[block.key])
            return _flat(file.read(block.size))

        yield content, read


def _next(pickles: io.BytesIO) -> Any:
    return read_pickle(pickles, GLOBALS, storage)


def _noted(blocks: dict[str, Storage], block: Storage) -> Storage:
    blocks.setdefault(block.key, block)
    return block


def _places(file: BinaryIO, keys: Any, blocks: dict[str, Storage]) -> dict[str, int]:
    """Where in the file the storages begin: each behind the number of its elements, in the order of `keys`."""
    size, places = os.fstat(file.fileno()).st_size, {}
    for key in keys if isinstance(keys, list) else []:
        block = blocks.get(key) if isinstance(key, str) else None
        if block is None or int.from_bytes(file.read(8), "little", signed=True) != block.elements:
            raise ModelError("damaged: its storages are not those that its pickle names")
        places[key] = file.tell()
        if places[key] + block.size > size:
            raise ModelError(_LACKING.format(block.size))
        file.seek(block.size, os.SEEK_CUR)
    return places


def _refuse_other_byte_order(order: str) -> None:
    if order != sys.byteorder:
        raise ModelError(f"of a machine of other byte order; allowed: {sys.byteorder}-endian")


def _flat(data: bytes) -> Tensor:
    return torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else torch.empty(0, dtype=torch.uint8)
