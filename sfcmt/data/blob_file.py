"""Blobs kept on disk until all of them are there, and read in any order: memory holds only where each lies."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from sfcmt.durable import disk_errors


class Place(NamedTuple):
    """Where a blob lies."""

    start: int
    length: int


class BlobFile:
    """A file of blobs on the disk of `folder`. It has no name, so that it goes with its process, however that ends."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (closed by `close`)
        self._end = 0

    def add(self, blob: bytes) -> Place:
        """Write a blob, and say where."""
        place = Place(self._end, len(blob))
        with disk_errors("the data set"):
            self._file.seek(self._end)
            self._end += self._file.write(blob)
        return place

    def read(self, place: Place) -> bytes:
        """A blob."""
        self._file.seek(place.start)
        return self._file.read(place.length)

    def close(self) -> None:
        """Give its room on the disk back."""
        self._file.close()
