"""Writing a data set: each row is checked, nothing half-written is left behind."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow.parquet as pq

from sfcmt.data.blob_file import BlobFile
from sfcmt.data.channels import three_channels
from sfcmt.data.class_names import refuse_twin_names
from sfcmt.data.image_files import content
from sfcmt.data.images import Pixels, encode, is_storable
from sfcmt.data.manifest import FileEntry, Holes, Manifest, Modality
from sfcmt.data.moments import Moments
from sfcmt.data.part_file import PartFile
from sfcmt.data.read_image import Read, read_image
from sfcmt.data.reading import PLAIN, Reading
from sfcmt.data.refusals import Refusals, Skip
from sfcmt.data.schema import Part, Public, Sealed, Split, file_name
from sfcmt.data.target_channels import TargetChannels, modality_of
from sfcmt.data.target_rows import TargetRow, TargetRows
from sfcmt.durable import disk_errors, rename_durably
from sfcmt.errors import DataError, ImageError
from sfcmt.file_digests import sha256_of
from sfcmt.models.expected_input import IMAGENET
from sfcmt.text_files import composed

Given = Path | bytes | Pixels
"""An image: its file, its file's content, or its values."""
_SEALED = {Sealed.LABELS: "label", Sealed.REAL_SOURCE: "real"}
"""What a target row has of each sealed part."""
_OPTIONAL = "a data set needs some, but for source images and pairs (source_images=false, pairs=false)"


@dataclass(frozen=True)
class DatasetInfo:
    """What a data set is called and what it holds."""

    name: str
    source_modality: str
    target_modality: str
    classes: Sequence[str]
    """None, where no image is labelled: those of a source model that is brought are the task's."""
    provenance: dict[str, str | int | float | bool]
    holes: Holes = "keep"
    source_images: bool = True
    """Whether it keeps labelled source images; without them, a source model must be brought."""
    pairs: bool = True
    """Whether it keeps TI pairs; without them, only methods that need none can be used."""
    reading: Reading = PLAIN
    """How the files of target images are read."""


class DatasetWriter:
    """Context manager that writes a data set to `folder`, which must not exist yet.

    Rows go to a temporary folder beside it, which is renamed on a clean exit and removed on any error. Image arguments
    are files, encoded bytes or arrays (C, H, W); `origin` names the file and row in error messages. Raises `DataError`;
    with `skip`, an image that cannot be read is left out and told, unless half are, or all of a class.
    """

    def __init__(self, folder: Path, info: DatasetInfo, seed: int = 0, skip: Skip | None = None) -> None:
        if folder.exists():
            raise DataError(f"{folder}: exists already; remove it, or import to another folder")
        if len({*map(composed, info.classes)}) != len(info.classes) or len(info.classes) == 1:
            raise DataError(f"classes must be two or more different names, not {list(info.classes)}")
        refuse_twin_names({composed(name): f"{folder}: class {place}" for place, name in enumerate(info.classes)})
        self._folder, self._info, self._seed = folder, info, seed
        self._refusals = Refusals(skip)
        self._source, self._target = Moments(), TargetChannels(info.holes)
        self._source_sizes: set[tuple[int, int]] = set()
        self._targets = TargetRows()
        self._counts = {Split.SOURCE: 0, Split.PAIRS: 0}

    def __enter__(self) -> Self:
        with disk_errors(self._folder):
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            self._temporary = Path(tempfile.mkdtemp(prefix=f".{self._folder.name}-", dir=self._folder.parent))
            (self._temporary / "sealed").mkdir()
            self._blobs = BlobFile(self._temporary)
        self._files = {part: PartFile(self._temporary, part) for part in (Split.SOURCE, Split.PAIRS, Sealed.ORIGINS)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with disk_errors(self._folder):
                try:
                    if error is None:
                        self._write_targets()
                finally:
                    for file in self._files.values():
                        file.close()
                if error is None:
                    self._finish()
                    self._temporary.chmod(0o755)  # mkdtemp lets only its owner in; a data set may be shared
                    rename_durably(self._temporary, self._folder)
        finally:
            self._blobs.close()
            shutil.rmtree(self._temporary, ignore_errors=True)

    def add_source(self, image: Given, label: int, group: str, origin: str) -> None:
        """Add a TR source image with its label, unless the data set is to do without."""
        if not self._info.source_images:
            return
        self._check_label(label, origin)
        with self._refusals.left_out(Split.SOURCE, label):
            data, _ = self._source_image(_content(image), origin)
            row = {"id": self._new_id(Split.SOURCE, origin), "group": _digest(group), "image": data, "label": label}
            self._files[Split.SOURCE].write(row)

    def add_pair(self, source: Given, target: Given, group: str, origin: str) -> None:
        """Add a TI pair, the same scene in both modalities, of one size, unless the data set is to do without."""
        if not self._info.pairs:
            return
        with self._refusals.left_out(Split.PAIRS):
            first, second = _content(source), _content(target)
            read = read_image(second, f"{origin} (target)", self._info.reading)
            source_data, source_shape = self._source_image(first, f"{origin} (source)")
            target_data, target_shape = self._target_image(second, f"{origin} (target)", read)
            if source_shape[1:] != target_shape[1:]:
                raise DataError(f"{origin}: the pair's sizes differ: {source_shape[1:]} and {target_shape[1:]}")
            row = {"id": self._new_id(Split.PAIRS, origin), "group": _digest(group)}
            self._files[Split.PAIRS].write(row | {"source_image": source_data, "target_image": target_data})

    def add_target(
        self,
        image: Given,
        group: str,
        origin: str,
        label: int | None = None,
        real_source: Given | None = None,
    ) -> None:
        """Add a TR target image; its label and its real source-modality image, where known, go to sealed files."""
        if label is not None:
            self._check_label(label, origin)
        with self._refusals.left_out(Split.TARGET):
            given = _content(image)
            read = read_image(given, origin, self._info.reading)
            shown = None if real_source is None else self._real_source(_content(real_source), read.x_CHW.shape, origin)
            data, _ = self._target_image(given, origin, read)
            real = None if shown is None else self._blobs.add(shown)
            self._targets.add(TargetRow(self._blobs.add(data), label, _digest(group), real, origin))

    def _real_source(self, image: bytes | Pixels, target_shape: tuple[int, ...], origin: str) -> bytes:
        data, shape = self._source_image(image, f"{origin} (source)", count=False)
        if shape[1:] != target_shape[1:]:
            raise DataError(f"{origin}: its real source image is {shape[1:]}, not {target_shape[1:]}")
        return data

    def _source_image(self, image: bytes | Pixels, where: str, count: bool = True) -> tuple[bytes, tuple[int, ...]]:
        read = read_image(image, where)
        pixels = three_channels(read.x_CHW)
        if pixels.dtype != np.uint8 or pixels.shape[0] != 3:
            found = f"{pixels.shape[0]} x {pixels.dtype}"
            convert = "; convert it, for instance: magick IN -depth 8 OUT.png" if pixels.dtype != np.uint8 else ""
            raise ImageError(where, f"a source image must be RGB or grey with 8 bits, not {found}{convert}")
        if count:
            self._source.add(pixels)
            self._source_sizes.add((pixels.shape[1], pixels.shape[2]))
        return _encoded(image, pixels, plain=read.plain and pixels is read.x_CHW), pixels.shape

    def _target_image(self, image: bytes | Pixels, where: str, read: Read) -> tuple[bytes, tuple[int, ...]]:
        pixels = self._target.add(read.x_CHW, where)
        return _encoded(image, pixels, plain=read.plain and pixels is read.x_CHW), pixels.shape

    def _check_label(self, label: int, where: str) -> None:
        if not 0 <= label < len(self._info.classes):
            raise DataError(f"{where}: label {label} is outside the {len(self._info.classes)} classes")

    def _new_id(self, split: Split, origin: str) -> str:
        name = f"{split}-{self._counts[split]:07d}"
        self._counts[split] += 1
        self._files[Sealed.ORIGINS].write({"id": name, "origin": origin})
        return name

    def _finish(self) -> None:
        self._refusals.check()
        self._target.settle(self._temporary)
        if not self._counts[Split.SOURCE]:  # a source model is brought
            self._path(Split.SOURCE).unlink()
        if not self._info.pairs:
            self._path(Split.PAIRS).unlink()
        files = {split: _entry(self._temporary, split) for split in Split if self._path(split).exists()}
        public = {part: _entry(self._temporary, part) for part in Public}
        sealed = {part: _entry(self._temporary, part) for part in Sealed if self._path(part).exists()}
        empty = [file_name(split) for split, entry in files.items() if entry.rows == 0]
        if empty:
            raise DataError(f"{self._folder}: no rows for {', '.join(empty)}; {_OPTIONAL}")
        self._manifest(files, public, sealed).save(self._temporary)

    def _write_targets(self) -> None:
        # Importers read class by class: in that order, a row's place would tell its label.
        parts: list[Part] = [Split.TARGET, Public.FRAMES]
        parts += [part for part, column in _SEALED.items() if self._all_have(part, column)]
        files = {part: PartFile(self._temporary, part) for part in parts}
        frames: dict[str, int] = {}
        for place, row in enumerate(self._targets.shuffled(self._seed)):
            name = {"id": f"{Split.TARGET}-{place:07d}"}
            self._files[Sealed.ORIGINS].write(name | {"origin": row.origin})
            files[Split.TARGET].write(name | {"image": self._blobs.read(row.image)})
            files[Public.FRAMES].write(name | {"frame": frames.setdefault(row.group, len(frames))})
            if Sealed.LABELS in files:
                files[Sealed.LABELS].write(name | {"label": row.label, "group": row.group})
            if row.real is not None:
                files[Sealed.REAL_SOURCE].write(name | {"image": self._blobs.read(row.real)})
        for file in files.values():
            file.close()

    def _all_have(self, part: Sealed, column: str) -> bool:
        """Whether each target row has what goes to a sealed part. Raises `DataError` if only some have."""
        some, rows = self._targets.count(column), len(self._targets)
        if some not in (0, rows):
            raise DataError(f"{self._folder}: {some} of {rows} target rows have a {part}; all or none")
        return some > 0

    def _path(self, part: Part) -> Path:
        return self._temporary / file_name(part)

    def _manifest(
        self,
        files: dict[Split, FileEntry],
        public: dict[Public, FileEntry],
        sealed: dict[Sealed, FileEntry],
    ) -> Manifest:
        info = self._info
        sizes = self._source_sizes | self._target.sizes
        heights, widths = zip(*sizes, strict=True)
        return Manifest(
            name=info.name,
            source=self._source_modality(),
            target=self._target.modality(info.target_modality),
            classes=tuple(info.classes),
            min_size=(min(heights), min(widths)),
            max_size=(max(heights), max(widths)),
            holes=info.holes,
            reading=info.reading,
            files=files,
            public=public,
            sealed=sealed,
            provenance=info.provenance,
        )

    def _source_modality(self) -> Modality:
        """That of its images; without any, what models of RGB images usually expect."""
        name = self._info.source_modality
        if self._source_sizes:
            return modality_of(name, self._source, np.dtype(np.uint8))
        return Modality(name=name, channels=3, bits=8, normalisation=IMAGENET)


def _entry(folder: Path, part: Part) -> FileEntry:
    path = folder / file_name(part)
    return FileEntry(rows=pq.read_metadata(path).num_rows, sha256=sha256_of(path))


def _encoded(given: bytes | Pixels, pixels: Pixels, plain: bool) -> bytes:
    return given if isinstance(given, bytes) and plain and is_storable(given) else encode(pixels)


def _digest(group: str) -> str:
    return hashlib.sha256(group.encode()).hexdigest()[:16]


def _content(image: Given) -> bytes | Pixels:
    return content(image) if isinstance(image, Path) else image
