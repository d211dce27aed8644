"""Columns of images as pixels of one size, by rows: decoded whenever they are asked for, or once for all of a machine.

Values are kept in as many bits as they have, and given out in a type that torch indexes on every device.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any, BinaryIO, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from sfcmt.cores import own_cores
from sfcmt.data.encoded_rows import EncodedRows
from sfcmt.data.images import decode, resize
from sfcmt.data.manifest import Bits
from sfcmt.models.expected_input import Resize

GIVEN: dict[Bits, torch.dtype] = {8: torch.uint8, 16: torch.int32, 32: torch.float32}
"""Types that are given out, by the bits of a value."""
_KEPT: dict[Bits, type[np.generic]] = {8: np.uint8, 16: np.uint16, 32: np.float32}
_ROWS_AT_ONCE = 512


class Shape(NamedTuple):
    """What images are made to: squares of `size` pixels, by a way of resizing."""

    size: int
    keep_holes: bool = False
    resize: Resize = Resize()


class Form(NamedTuple):
    """What a column's pixels are: N images of (C, size, size), of values of so many bits."""

    rows: int
    channels: int
    size: int
    bits: Bits

    @property
    def dims(self) -> tuple[int, int, int, int]:
        """(N, C, size, size)."""
        return self.rows, self.channels, self.size, self.size

    @property
    def values(self) -> int:
        """How many numbers that are."""
        return math.prod(self.dims)

    @property
    def bytes(self) -> int:
        """What is kept of them."""
        return self.values * np.dtype(_KEPT[self.bits]).itemsize


class Pixels(Protocol):
    """Pixels of a column. Several threads may read."""

    form: Form

    def read(self, rows: list[int], out_BCHW: NDArray[Any]) -> None:
        """Put these rows into an array of the type that is given out."""
        ...


class EncodedPixels:
    """Decoded each time."""

    def __init__(self, encoded: EncodedRows, form: Form, shape: Shape, where: str) -> None:
        self.form, self._encoded, self._shape, self._where = form, encoded, shape, where

    def read(self, rows: list[int], out_BCHW: NDArray[Any]) -> None:
        """Put these rows into an array. Raises `DataError` naming a row that cannot be decoded."""
        for place, row in enumerate(rows):
            out_BCHW[place] = resize(decode(self._encoded[row], f"{self._where}, row {row}"), *self._shape)


class FilePixels:
    """Decoded once, and read from a file that `write_pixels` has written.

    What is in memory of it is the machine's, and shared by all processes, as of a file that is mapped; but a disk that
    fails is an error, and no end of the process, and nobody takes the file for memory of the process.
    """

    def __init__(self, file: BinaryIO, form: Form) -> None:
        self.form, self._file = form, file
        self._image = np.dtype((_KEPT[form.bits], form.dims[1:]))

    def read(self, rows: list[int], out_BCHW: NDArray[Any]) -> None:
        """Put these rows into an array."""
        size = self._image.itemsize
        for place, row in enumerate(rows):
            out_BCHW[place] = np.frombuffer(os.pread(self._file.fileno(), size, row * size), self._image)[0]


def write_pixels(file: BinaryIO, pixels: Pixels) -> None:
    """Write all of a column's pixels, a few rows at a time. Raises `DataError` as reading does."""
    for x_BCHW in in_turn(pixels):
        file.write(x_BCHW.astype(_KEPT[pixels.form.bits], copy=False).tobytes())


def in_turn(pixels: Pixels) -> Iterator[NDArray[Any]]:
    """All of a column's pixels (B, C, size, size), a few rows at a time."""
    for start in range(0, pixels.form.rows, _ROWS_AT_ONCE):
        rows = [*range(start, min(start + _ROWS_AT_ONCE, pixels.form.rows))]
        out = torch.empty(len(rows), *pixels.form.dims[1:], dtype=GIVEN[pixels.form.bits]).numpy()
        list(decoding_pool().map(lambda part: pixels.read(*part), parts(rows, out)))
        yield out


def parts(rows: list[int], out_BCHW: NDArray[Any]) -> Iterator[tuple[list[int], NDArray[Any]]]:
    """A batch, and where it goes, in a few parts for each thread."""
    count = min(len(rows), 4 * own_cores())
    edges = np.linspace(0, len(rows), count + 1).astype(int).tolist()
    return ((rows[start:end], out_BCHW[start:end]) for start, end in pairwise(edges))


@cache
def decoding_pool() -> ThreadPoolExecutor:
    """Threads that decode: Pillow does so without the interpreter's lock."""
    return ThreadPoolExecutor(own_cores(), thread_name_prefix="decode")
