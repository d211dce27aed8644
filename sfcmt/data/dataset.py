"""Opening a data set: parts are read one by one, and each is proved unchanged before it is used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from sfcmt.data.manifest import Manifest
from sfcmt.data.row_groups import read_batches, read_rows
from sfcmt.data.schema import SCHEMAS, Part, Public, Sealed, Split, file_name
from sfcmt.errors import DataError
from sfcmt.file_digests import remembered_sha256, sha256_of
from sfcmt.listing import listed


class Dataset:
    """A data set's folder. Opening reads only the manifest; a part's file is read, and needed, when it is asked for.

    With a `manifest` that was written down earlier nothing is read, and the folder need not be there. `classes` are the
    task's, where a given source model names them.
    """

    def __init__(self, folder: Path, manifest: Manifest | None = None, classes: tuple[str, ...] | None = None) -> None:
        self.folder = folder
        self.manifest = manifest or Manifest.load(folder)
        self._task_classes = classes

    def table(self, split: Split) -> pa.Table:
        """A whole split in memory. Raises `DataError` if its file is missing or has changed since the import."""
        return read_part(self.folder, self.manifest, split)

    def columns(self, split: Split, *names: str) -> pa.Table:
        """These columns of a split; of others, nothing is read. Raises `DataError` as `table` does."""
        return read_part(self.folder, self.manifest, split, names)

    def rows(self, split: Split, rows: ArrayLike, *names: str) -> pa.Table:
        """These columns of some rows, in the order of `rows`. Raises `DataError` as `table` does."""
        return read_rows(proved_file(self.folder, self.manifest, split), rows, names)

    def batches(self, split: Split, *names: str) -> Iterator[pa.RecordBatch]:
        """These columns of all rows in their order, few at a time. Raises `DataError` as `table` does."""
        return read_batches(proved_file(self.folder, self.manifest, split), names)

    def frames(self, split: Split) -> NDArray[np.int64] | None:
        """The frame (N,) of each row of a split, as a number; rows of one frame stay together in each division.

        None for target images of a data set that was imported before frames were told. Raises `DataError` as `table`.
        """
        if split is not Split.TARGET:
            groups = self.columns(split, "group")["group"].to_numpy()
            return np.unique(groups, return_inverse=True)[1].astype(np.int64)
        if Public.FRAMES not in self.manifest.public:
            return None
        frames: NDArray[np.int64] = (
            read_part(self.folder, self.manifest, Public.FRAMES)["frame"].to_numpy().astype(np.int64)
        )
        return frames

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of the task's classes, in the order of a model's logits."""
        return self._task_classes or self.manifest.classes

    @property
    def splits(self) -> tuple[Split, ...]:
        """Those that the data set has: without source images, a source model must be given."""
        return tuple(split for split in Split if split in self.manifest.files)

    @property
    def has_pairs(self) -> bool:
        """Whether there are TI pairs: without them, some methods and validators have nothing to go by."""
        return Split.PAIRS in self.manifest.files

    def at(self, folder: Path) -> Dataset:
        """The same data set in another folder."""
        return Dataset(folder, classes=self._task_classes)

    def of_task(self, classes: tuple[str, ...]) -> Dataset:
        """The same data for a task of these classes, in this order. Raises `DataError` if it has others."""
        others = [name for name in self.manifest.classes if name not in classes]
        if others:
            reason = f"its classes {listed(others)} are none of the model's: {listed(classes)}"
            raise DataError(f"{self.folder}: {reason}")
        return Dataset(self.folder, self.manifest, classes)

    @property
    def whole_digest(self) -> str:
        """Digest of all splits that there are."""
        return self.digest(*self.splits)

    def digest(self, *splits: Split) -> str:
        """Digest of what a stage reads, how it is normalised, and how files like it are read. Nothing sealed enters."""
        manifest, reads = self.manifest, set(splits)
        parts = [manifest.entry(split).sha256 for split in splits]
        if reads & {Split.SOURCE, Split.PAIRS}:
            parts.append(manifest.source.model_dump_json())
        if reads & {Split.TARGET, Split.PAIRS}:
            parts += [manifest.target.model_dump_json(), manifest.holes, *self._reading()]
        return hashlib.sha256("\n".join([*parts, *self.classes]).encode()).hexdigest()

    def _reading(self) -> tuple[str, ...]:
        """What models say of how files are read, where it is out of the ordinary; those of format 1 say nothing."""
        given = self.manifest.reading.model_dump_json(exclude_defaults=True)
        return () if given == "{}" or self.manifest.format == 1 else (given,)


def read_part(folder: Path, manifest: Manifest, part: Part, columns: Sequence[str] | None = None) -> pa.Table:
    """One file of a data set, or some columns of it, in memory. Raises `DataError` as `proved_file` does."""
    return pq.read_table(proved_file(folder, manifest, part), columns=columns and [*columns])


def proved_file(folder: Path, manifest: Manifest, part: Part) -> Path:
    """The path of one file of a data set. Raises `DataError` if its digest or its columns are not what they must be.

    What is sealed is read for its digest every time; of other files, a machine remembers it (`file_digests`).
    """
    path, entry = folder / file_name(part), manifest.entry(part)
    if not path.is_file():
        raise DataError(f"{path}: missing, though the manifest lists it")
    found = sha256_of(path) if isinstance(part, Sealed) else remembered_sha256(path)
    if found != entry.sha256:
        raise DataError(f"{path}: changed since the import (its sha256 is not the manifest's); import again")
    if not pq.read_schema(path).equals(SCHEMAS[part]):
        raise DataError(f"{path}: its columns are not those of a {part} file")
    return path


def holdout_mask(groups: pa.ChunkedArray, fraction: float) -> NDArray[np.bool_]:
    """True for the rows to hold out: about `fraction` of the groups, picked by digest, so the same in every run.

    Of two or more groups, a fraction between 0 and 1 holds out at least one and leaves at least one.
    """
    digests = (hashlib.sha256(group.encode()).digest()[:4] for group in groups.to_pylist())
    places = np.array([int.from_bytes(digest, "big") for digest in digests], dtype=np.int64)
    limit = int(fraction * 2**32)
    if 0 < fraction < 1 and len(places):
        limit = min(max(limit, places.min() + 1), places.max())
    return places < limit
