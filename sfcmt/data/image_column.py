"""A column of images of a data set, and how this machine has it: decoded, or encoded, or as it was imported."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import BinaryIO

import PIL

from sfcmt.data.cache_folder import CacheFolder
from sfcmt.data.dataset import Dataset, proved_file
from sfcmt.data.encoded_rows import FORMAT, EncodedRows, FileRows, ParquetRows, write_rows
from sfcmt.data.pixels import EncodedPixels, FilePixels, Form, Pixels, Shape, write_pixels
from sfcmt.data.schema import Split
from sfcmt.identity import digest, version_of
from sfcmt.version import __version__

DECODED, ENCODED = "decoded", "encoded"
"""Folders of a machine's cache."""


@dataclass(frozen=True)
class ImageColumn:
    """Images of one column, made to one shape."""

    dataset: Dataset
    split: Split
    name: str
    form: Form
    shape: Shape

    @property
    def key(self) -> str:
        """Names its pixels, by all that they are made of and made by."""
        decoder = [version_of("sfcmt.data.images"), __version__, PIL.__version__]
        return digest([self._sha256, self.name, self.form, [*self.shape[:2], self.shape.resize.model_dump()], decoder])

    def pixels(self, folder: Path, most: float) -> Pixels:
        """Its pixels by row: from `folder` if all decoded columns there have at most `most` bytes with them.

        Raises `DataError` if the data set's file is missing or has changed, whatever is in `folder`, or an image cannot
        be decoded.
        """
        path = proved_file(self.dataset.folder, self.dataset.manifest, self.split)
        if self.form.bytes <= most:
            decoded = CacheFolder(folder / DECODED, most)
            imported = self._decoded(ParquetRows(path, self.name))
            if file := _kept(decoded, self.key, self.form.bytes, partial(write_pixels, pixels=imported)):
                return FilePixels(file, self.form)
        name, size = digest([self._sha256, self.name, FORMAT]), path.stat().st_size
        file = _kept(CacheFolder(folder / ENCODED, math.inf), name, size, lambda file: write_rows(file, self._images()))
        return self._decoded(FileRows(file) if file else ParquetRows(path, self.name))

    @property
    def _sha256(self) -> str:
        return self.dataset.manifest.entry(self.split).sha256

    def _decoded(self, encoded: EncodedRows) -> EncodedPixels:
        return EncodedPixels(encoded, self.form, self.shape, f"{self.dataset.folder}/{self.split}")

    def _images(self) -> Iterator[bytes]:
        for batch in self.dataset.batches(self.split, self.name):
            yield from batch[self.name].to_pylist()


def _kept(folder: CacheFolder, name: str, size: int, write: Callable[[BinaryIO], object]) -> BinaryIO | None:
    """A file of the machine's cache. Where it cannot be kept, that is said, and the work goes on without it."""
    try:
        file = folder.open(name, size, write)
    except OSError as error:
        _tell(f"{folder.path}: {error.strerror or error}; images are decoded at each use")
        return None
    if file is None:
        _tell(f"{folder.path}: no room for {size / 2**30:.3g} GB of images, which are decoded at each use")
    return file


@cache
def _tell(line: str) -> None:
    logging.getLogger("sfcmt").warning(line)
