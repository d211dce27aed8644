"""Image columns as tensors: decoded once for all of a machine where that fits, else when their batch comes up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol, TypeVar
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from sfcmt.data.dataset import Dataset
from sfcmt.data.image_column import ImageColumn
from sfcmt.data.pixels import GIVEN, Form, Pixels, Shape, decoding_pool, in_turn, parts
from sfcmt.data.schema import Split
from sfcmt.devices import sent
from sfcmt.models.expected_input import Resize

_GIGABYTE = 2**30
_AHEAD = 2
"""Batches that are loaded before their turn."""
T = TypeVar("T")


class Images(Protocol):
    """A column of images of one size."""

    def __len__(self) -> int: ...

    def batch(self, index_B: Tensor) -> Tensor:
        """Rows -> (B, C, size, size), uint8, or int32 for 16-bit images, or float32."""
        ...

    def prefetch(self, index_B: Tensor) -> None:
        """A hint that `batch` will be asked for these rows soon."""
        ...


class DecodedImages:
    """All images in one tensor, on the device that computes."""

    def __init__(self, pixels_NCHW: Tensor) -> None:
        self._pixels_NCHW = pixels_NCHW

    def __len__(self) -> int:
        return len(self._pixels_NCHW)

    @property
    def nbytes(self) -> int:
        """What it takes of the device's memory."""
        return self._pixels_NCHW.nbytes

    def batch(self, index_B: Tensor) -> Tensor:
        """Rows -> (B, C, size, size)."""
        return self._pixels_NCHW[sent(index_B, self._pixels_NCHW.device)]

    def prefetch(self, index_B: Tensor) -> None:
        """Nothing to do: all is there."""


class ChosenImages:
    """Some rows of a column, counted from 0: of the others, nobody who has it can ask for an image."""

    def __init__(self, images: Images, rows: Tensor) -> None:
        self.images, self._rows = images, rows

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, index_B: Tensor) -> Tensor:
        """Places among the chosen rows -> (B, C, size, size)."""
        return self.images.batch(self._rows[index_B])

    def prefetch(self, index_B: Tensor) -> None:
        """A hint that `batch` will be asked for these places soon."""
        self.images.prefetch(self._rows[index_B])


def chosen(images: Images, rows: Tensor) -> Images:
    """Rows of a column, in ascending order: the column itself, if they are all of it."""
    return images if len(rows) == len(images) else ChosenImages(images, rows)


class StreamedImages:
    """Images that threads put into batches, in pinned memory for a GPU."""

    def __init__(self, pixels: Pixels, device: torch.device) -> None:
        self._pixels, self._is_pinned = pixels, device.type == "cuda"
        self._pending: dict[tuple[int, ...], tuple[Tensor, list[Future[None]]]] = {}

    def __len__(self) -> int:
        return self._pixels.form.rows

    def batch(self, index_B: Tensor) -> Tensor:
        """Rows -> (B, C, size, size). Raises `DataError` naming a row that cannot be decoded."""
        self.prefetch(index_B)
        x_BCHW, futures = self._pending.pop(tuple(index_B.tolist()))
        for future in futures:
            future.result()
        return x_BCHW

    def prefetch(self, index_B: Tensor) -> None:
        """Start to load; of batches that nobody asks for after all, the oldest are forgotten."""
        rows: list[int] = index_B.tolist()
        if tuple(rows) in self._pending:
            return
        while len(self._pending) > _AHEAD:
            del self._pending[next(iter(self._pending))]
        form = self._pixels.form
        x_BCHW = torch.empty(len(rows), *form.dims[1:], dtype=GIVEN[form.bits], pin_memory=self._is_pinned)
        futures = [decoding_pool().submit(self._pixels.read, *part) for part in parts(rows, x_BCHW.numpy())]
        self._pending[tuple(rows)] = x_BCHW, futures


def looked_ahead(plan: Sequence[T]) -> Iterator[tuple[T, Sequence[T]]]:
    """Each batch of a plan, and those to prefetch meanwhile."""
    return ((batch, plan[place + 1 : place + 1 + _AHEAD]) for place, batch in enumerate(plan))


class ImageReader:
    """Opens image columns of a data set at one size, for one device.

    `folder` is the machine's own. All decoded columns in it have at most `memory_gb` together, and so have those that
    this process keeps on a GPU; what does not fit, or cannot be written, is decoded when its batch comes up.
    """

    def __init__(
        self,
        dataset: Dataset,
        size: int,
        memory_gb: float,
        folder: Path,
        device: torch.device,
        resize: Resize = Resize(),  # noqa: B008  (frozen)
    ) -> None:
        self._dataset, self._size, self._resize = dataset, size, resize
        self._most, self._folder, self.device = memory_gb * _GIGABYTE, folder, device

    def images(self, split: Split, column: str) -> Images:
        """One column of a split; an empty one of pairs that the data set does not have."""
        manifest = self._dataset.manifest
        modality = manifest.source if column == "source_image" or split is Split.SOURCE else manifest.target
        if split is Split.PAIRS and not self._dataset.has_pairs:
            return DecodedImages(torch.empty(0, modality.channels, self._size, self._size, device=self.device))
        form = Form(manifest.entry(split).rows, modality.channels, self._size, modality.bits)
        shape = Shape(self._size, modality is manifest.target and manifest.holes == "mask", self._resize)
        return _opened(ImageColumn(self._dataset, split, column, form, shape), self._folder, self._most, self.device)


def _opened(column: ImageColumn, folder: Path, most: float, device: torch.device) -> Images:
    """On a GPU that has room for it, all of it is there."""
    pixels = column.pixels(folder, most)
    size = column.form.values * GIVEN[column.form.bits].itemsize
    if device.type == "cpu":
        return StreamedImages(pixels, device)
    key = f"{column.key} {device}"
    if found := _on_devices.get(key):
        return found
    if sum(images.nbytes for images in _on_devices.values()) + size > most:
        return StreamedImages(pixels, device)
    return _on_devices.setdefault(key, DecodedImages(_moved(pixels, device)))


_on_devices: WeakValueDictionary[str, DecodedImages] = WeakValueDictionary()
"""Columns that somebody uses, so that all share them."""


def _moved(pixels: Pixels, device: torch.device) -> Tensor:
    """All of a column (N, C, size, size) on a device; memory holds a few rows at a time."""
    x_NCHW, start = torch.empty(pixels.form.dims, dtype=GIVEN[pixels.form.bits], device=device), 0
    for part in in_turn(pixels):
        x_NCHW[start : start + len(part)] = torch.from_numpy(part).to(device)
        start += len(part)
    return x_NCHW
