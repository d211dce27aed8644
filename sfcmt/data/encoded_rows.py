"""A column of encoded images, of which any row is read at once and none is kept in memory.

A Parquet file gives no row without its row group. So a machine keeps the column in a file of its own: all images one
after the other, then where each begins and the last one ends, as 64-bit numbers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from sfcmt.data.row_groups import first_rows, parquet_file

FORMAT = 1
"""Raised whenever the file is laid out in another way."""
_NUMBER = np.dtype("<i8")
_GROUPS = 8
"""Row groups that are kept."""


class EncodedRows(Protocol):
    """Images as they are stored, by row. Several threads may read."""

    def __len__(self) -> int: ...

    def __getitem__(self, row: int) -> bytes: ...


class FileRows:
    """Rows of a file that `write_rows` has written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        size = os.fstat(file.fileno()).st_size
        (rows,) = self._numbers(size - _NUMBER.itemsize, 1)
        self._starts = self._numbers(size - (rows + 2) * _NUMBER.itemsize, rows + 1)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, row: int) -> bytes:
        start, end = self._starts[row : row + 2].tolist()
        return os.pread(self._file.fileno(), end - start, start)

    def _numbers(self, start: int, count: int) -> NDArray[np.int64]:
        return np.frombuffer(os.pread(self._file.fileno(), count * _NUMBER.itemsize, start), _NUMBER)


def write_rows(file: BinaryIO, images: Iterator[bytes]) -> None:
    """Write encoded images for `FileRows`."""
    starts = [0]
    for image in images:
        file.write(image)
        starts.append(starts[-1] + len(image))
    file.write(np.array([*starts, len(starts) - 1], dtype=_NUMBER).tobytes())


class ParquetRows:
    """Rows of a Parquet file as it is: quick in their order, slow in any other."""

    def __init__(self, path: Path, column: str) -> None:
        self._file, self._column, self._lock = parquet_file(path), column, Lock()
        self._first = first_rows(self._file)
        self._group = lru_cache(_GROUPS)(self._read_group)

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def __getitem__(self, row: int) -> bytes:
        group = int(np.searchsorted(self._first, row, side="right")) - 1
        with self._lock:
            image: bytes = self._group(group)[row - int(self._first[group])].as_py()
        return image

    def _read_group(self, group: int) -> Any:
        return self._file.read_row_group(group, [self._column])[self._column]
