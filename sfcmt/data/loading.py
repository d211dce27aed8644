"""Image columns as tensors: decoded once where they fit in memory, decoded on the fly where they do not."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from sfcmt.data.dataset import Dataset
from sfcmt.data.images import decode, resize
from sfcmt.data.schema import Split
from sfcmt.durable import replacing
from sfcmt.models.expected_input import Resize

_GIGABYTE = 2**30


class Shape(NamedTuple):
    """What images are made to: squares of `size` pixels, by a way of resizing."""

    size: int
    keep_holes: bool = False
    resize: Resize = Resize()


class Images(Protocol):
    """A column of images of one size."""

    def __len__(self) -> int: ...

    def batch(self, index_B: Tensor) -> Tensor:
        """Rows -> (B, C, size, size), uint8, or int32 for 16-bit images, or float32."""
        ...

    def prefetch(self, index_B: Tensor) -> None:
        """A hint that `batch` will be asked for these rows next."""
        ...


class DecodedImages:
    """All images in one tensor, on the device that computes."""

    def __init__(self, pixels_NCHW: Tensor) -> None:
        self._pixels_NCHW = pixels_NCHW

    def __len__(self) -> int:
        return len(self._pixels_NCHW)

    def batch(self, index_B: Tensor) -> Tensor:
        """Rows -> (B, C, size, size)."""
        return self._pixels_NCHW[index_B.to(self._pixels_NCHW.device)]

    def prefetch(self, index_B: Tensor) -> None:
        """Nothing to do: all is decoded."""


class StreamedImages:
    """Encoded images in a memory-mapped file, decoded by threads when their batch comes up."""

    def __init__(self, encoded: pa.ChunkedArray, shape: Shape, where: str) -> None:
        self._encoded, self._shape, self._where = encoded, shape, where
        self._pool = _decoding_pool()
        self._pending: dict[int, Future[Tensor]] = {}

    def __len__(self) -> int:
        return len(self._encoded)

    def batch(self, index_B: Tensor) -> Tensor:
        """Rows -> (B, C, size, size)."""
        self.prefetch(index_B)
        rows: list[int] = index_B.tolist()  # may name a row twice, where two passes meet in a batch
        decoded = {row: self._pending.pop(row).result() for row in dict.fromkeys(rows)}
        return torch.stack([decoded[row] for row in rows])

    def prefetch(self, index_B: Tensor) -> None:
        """Start decoding; what is prefetched is kept until `batch` asks for it."""
        for row in index_B.tolist():
            if row not in self._pending:
                self._pending[row] = self._pool.submit(self._decode, row)

    def _decode(self, row: int) -> Tensor:
        data = self._encoded[row].as_py()
        return _decode_one(data, self._shape, f"{self._where}, row {row}")


class ImageReader:
    """Opens image columns of a data set at one size, for one device. Decoded columns are shared within the process."""

    def __init__(
        self,
        dataset: Dataset,
        size: int,
        memory_gb: float,
        cache: Path,
        device: torch.device,
        resize: Resize = Resize(),  # noqa: B008  (frozen)
    ) -> None:
        self._dataset, self._size, self._resize = dataset, size, resize
        self._memory_gb, self._cache, self.device = memory_gb, cache, device

    def images(self, split: Split, column: str) -> Images:
        """One column of a split; an empty one of pairs that the data set does not have."""
        manifest = self._dataset.manifest
        modality = manifest.source if column == "source_image" or split is Split.SOURCE else manifest.target
        if split is Split.PAIRS and not self._dataset.has_pairs:
            return DecodedImages(torch.empty(0, modality.channels, self._size, self._size, device=self.device))
        entry = manifest.entry(split)
        shape = Shape(self._size, modality is manifest.target and manifest.holes == "mask", self._resize)
        decoded_bytes = entry.rows * modality.channels * self._size**2 * (1 if modality.bits == 8 else 4)
        if decoded_bytes > self._memory_gb * _GIGABYTE:
            encoded = _mapped(self._dataset, split, self._cache)[column]
            return StreamedImages(encoded, shape, f"{self._dataset.folder}/{split}")
        folder = str(self._dataset.folder.resolve())
        return _decoded(folder, entry.sha256, split, column, shape, str(self.device))


@lru_cache(maxsize=16)
def _decoded(folder: str, sha256: str, split: Split, column: str, shape: Shape, device: str) -> DecodedImages:
    column_values = Dataset(Path(folder)).table(split)[column]
    return DecodedImages(decode_all(column_values, shape, f"{folder}/{split}").to(device))


def decode_all(encoded: pa.ChunkedArray, shape: Shape, where: str) -> Tensor:
    """Encoded images -> (N, C, size, size), on the CPU."""

    def one(row_data: tuple[int, bytes]) -> Tensor:
        return _decode_one(row_data[1], shape, f"{where}, row {row_data[0]}")

    return torch.stack(list(_decoding_pool().map(one, enumerate(encoded.to_pylist()))))


@lru_cache(maxsize=1)
def _decoding_pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="decode")  # PIL decodes without the interpreter lock


def _decode_one(data: bytes, shape: Shape, where: str) -> Tensor:
    pixels = resize(decode(data, where), *shape)
    # torch indexes uint16 on some devices only
    return torch.from_numpy(pixels.astype(np.int32) if pixels.dtype == np.uint16 else pixels.copy())


def _mapped(dataset: Dataset, split: Split, cache: Path) -> pa.Table:
    """A split as a memory-mapped Arrow file, made at first use from its Parquet file."""
    path = cache / f"{dataset.manifest.entry(split).sha256}.arrow"
    if not path.exists():
        table = dataset.table(split)
        with (
            replacing(path) as temporary,
            pa.OSFile(str(temporary), "wb") as file,
            pa.ipc.new_file(file, table.schema) as writer,
        ):
            writer.write_table(table)
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
