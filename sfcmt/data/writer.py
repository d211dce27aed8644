"""Writing a data set: each row is checked, nothing half-written is left behind."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow.parquet as pq

from sfcmt.data.blob_file import BlobFile, Place
from sfcmt.data.channels import three_channels
from sfcmt.data.images import Pixels, encode, is_storable
from sfcmt.data.manifest import FileEntry, Holes, Manifest, Modality, sha256_of
from sfcmt.data.moments import Moments
from sfcmt.data.part_file import PartFile, write_part
from sfcmt.data.read_image import read_image
from sfcmt.data.reading import PLAIN, Reading
from sfcmt.data.schema import Sealed, Split, file_name
from sfcmt.data.target_channels import TargetChannels, modality_of
from sfcmt.durable import disk_errors, rename_durably
from sfcmt.errors import DataError
from sfcmt.models.expected_input import IMAGENET
from sfcmt.text_files import composed

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
    are encoded bytes or arrays (C, H, W); `origin` names the file and row in error messages. Raises `DataError`.
    """

    def __init__(self, folder: Path, info: DatasetInfo, seed: int = 0) -> None:
        if folder.exists():
            raise DataError(f"{folder}: exists already; remove it, or import to another folder")
        if len({*map(composed, info.classes)}) != len(info.classes) or len(info.classes) == 1:
            raise DataError(f"classes must be two or more different names, not {list(info.classes)}")
        self._folder, self._info, self._seed = folder, info, seed
        self._source, self._target = Moments(), TargetChannels(info.holes)
        self._source_sizes: set[tuple[int, int]] = set()
        self._targets: list[_Target] = []
        self._origins: list[dict[str, str]] = []
        self._counts = {Split.SOURCE: 0, Split.PAIRS: 0}

    def __enter__(self) -> Self:
        with disk_errors(self._folder):
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            self._temporary = Path(tempfile.mkdtemp(prefix=f".{self._folder.name}-", dir=self._folder.parent))
            (self._temporary / "sealed").mkdir()
            self._blobs = BlobFile(self._temporary)
        self._files = {part: PartFile(self._temporary, part) for part in (Split.SOURCE, Split.PAIRS)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            with disk_errors(self._folder):
                for file in self._files.values():
                    file.close()
                if error is None:
                    self._finish()
                    self._temporary.chmod(0o755)  # mkdtemp lets only its owner in; a data set may be shared
                    rename_durably(self._temporary, self._folder)
        finally:
            self._blobs.close()
            shutil.rmtree(self._temporary, ignore_errors=True)

    def add_source(self, image: bytes | Pixels, label: int, group: str, origin: str) -> None:
        """Add a TR source image with its label, unless the data set is to do without."""
        if not self._info.source_images:
            return
        data, _ = self._source_image(image, origin)
        self._check_label(label, origin)
        row = {"id": self._new_id(Split.SOURCE, origin), "group": _digest(group), "image": data, "label": label}
        self._files[Split.SOURCE].write(row)

    def add_pair(self, source: bytes | Pixels, target: bytes | Pixels, group: str, origin: str) -> None:
        """Add a TI pair, the same scene in both modalities, of one size, unless the data set is to do without."""
        if not self._info.pairs:
            return
        source_data, source_shape = self._source_image(source, f"{origin} (source)")
        target_data, target_shape = self._target_image(target, f"{origin} (target)")
        if source_shape[1:] != target_shape[1:]:
            raise DataError(f"{origin}: the pair's sizes differ: {source_shape[1:]} and {target_shape[1:]}")
        row = {"id": self._new_id(Split.PAIRS, origin), "group": _digest(group)}
        self._files[Split.PAIRS].write(row | {"source_image": source_data, "target_image": target_data})

    def add_target(
        self,
        image: bytes | Pixels,
        group: str,
        origin: str,
        label: int | None = None,
        real_source: bytes | Pixels | None = None,
    ) -> None:
        """Add a TR target image; its label and its real source-modality image, where known, go to sealed files."""
        data, shape = self._target_image(image, origin)
        if label is not None:
            self._check_label(label, origin)
        sealed = None if label is None else {"label": label, "group": _digest(group)}
        real = None if real_source is None else self._blobs.add(self._real_source(real_source, shape, origin))
        self._targets.append(_Target(self._blobs.add(data), sealed, real, origin))

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
            raise DataError(f"{where}: a source image must be RGB or grey with 8 bits, not {found}{convert}")
        if count:
            self._source.add(pixels)
            self._source_sizes.add((pixels.shape[1], pixels.shape[2]))
        return _encoded(image, pixels, plain=read.plain and pixels is read.x_CHW), pixels.shape

    def _target_image(self, image: bytes | Pixels, where: str) -> tuple[bytes, tuple[int, ...]]:
        read = read_image(image, where, self._info.reading)
        pixels = self._target.add(read.x_CHW, where)
        return _encoded(image, pixels, plain=read.plain and pixels is read.x_CHW), pixels.shape

    def _check_label(self, label: int, where: str) -> None:
        if not 0 <= label < len(self._info.classes):
            raise DataError(f"{where}: label {label} is outside the {len(self._info.classes)} classes")

    def _new_id(self, split: Split, origin: str) -> str:
        name = f"{split}-{self._counts[split]:07d}"
        self._counts[split] += 1
        self._origins.append({"id": name, "origin": origin})
        return name

    def _finish(self) -> None:
        self._write_targets()
        self._target.settle(self._temporary)
        write_part(self._temporary, Sealed.ORIGINS, self._origins)
        if not self._counts[Split.SOURCE]:  # a source model is brought
            self._path(Split.SOURCE).unlink()
        if not self._info.pairs:
            self._path(Split.PAIRS).unlink()
        files = {split: _entry(self._temporary, split) for split in Split if self._path(split).exists()}
        sealed = {part: _entry(self._temporary, part) for part in Sealed if self._path(part).exists()}
        empty = [file_name(split) for split, entry in files.items() if entry.rows == 0]
        if empty:
            raise DataError(f"{self._folder}: no rows for {', '.join(empty)}; {_OPTIONAL}")
        self._manifest(files, sealed).save(self._temporary)

    def _write_targets(self) -> None:
        # Importers read class by class: in that order, a row's place would tell its label.
        order = np.random.default_rng(self._seed).permutation(len(self._targets))
        rows = [({"id": f"{Split.TARGET}-{place:07d}"}, self._targets[index]) for place, index in enumerate(order)]
        self._origins += [name | {"origin": row.origin} for name, row in rows]
        labels = [name | row.sealed for name, row in rows if row.sealed]
        reals = [(name, row.real) for name, row in rows if row.real]
        for part, some in ((Sealed.LABELS, labels), (Sealed.REAL_SOURCE, reals)):
            if some and len(some) != len(rows):
                raise DataError(f"{self._folder}: {len(some)} of {len(rows)} target rows have a {part}; all or none")
        write_part(self._temporary, Split.TARGET, (name | {"image": self._blobs.read(row.image)} for name, row in rows))
        if labels:
            write_part(self._temporary, Sealed.LABELS, labels)
        if reals:
            write_part(
                self._temporary, Sealed.REAL_SOURCE, (name | {"image": self._blobs.read(at)} for name, at in reals)
            )

    def _path(self, part: Split | Sealed) -> Path:
        return self._temporary / file_name(part)

    def _manifest(self, files: dict[Split, FileEntry], sealed: dict[Sealed, FileEntry]) -> Manifest:
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
            sealed=sealed,
            provenance=info.provenance,
        )

    def _source_modality(self) -> Modality:
        """That of its images; without any, what models of RGB images usually expect."""
        name = self._info.source_modality
        if self._source_sizes:
            return modality_of(name, self._source, np.dtype(np.uint8))
        return Modality(name=name, channels=3, bits=8, normalisation=IMAGENET)


class _Target(NamedTuple):
    """A target row until all are there: where its images lie."""

    image: Place
    sealed: dict[str, Any] | None
    real: Place | None
    origin: str


def _entry(folder: Path, part: Split | Sealed) -> FileEntry:
    path = folder / file_name(part)
    return FileEntry(rows=pq.read_metadata(path).num_rows, sha256=sha256_of(path))


def _encoded(given: bytes | Pixels, pixels: Pixels, plain: bool) -> bytes:
    return given if isinstance(given, bytes) and plain and is_storable(given) else encode(pixels)


def _digest(group: str) -> str:
    return hashlib.sha256(group.encode()).hexdigest()[:16]
