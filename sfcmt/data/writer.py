"""Writing a data set: each row is checked, nothing half-written is left behind."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sfcmt.data.images import BITS, Pixels, decode, encode, fill_holes, is_storable, one_channel
from sfcmt.data.manifest import FileEntry, Holes, Manifest, Modality, Normalisation, sha256_of
from sfcmt.data.schema import SCHEMAS, Sealed, Split, file_name
from sfcmt.errors import DataError

_ROWS_PER_GROUP = 256


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


class DatasetWriter:
    """Context manager that writes a data set to `folder`, which must not exist yet.

    Rows go to a temporary folder beside it, which is renamed on a clean exit and removed on any error. Image arguments
    are encoded bytes or arrays (C, H, W); `origin` names the file and row in error messages. Raises `DataError`.
    """

    def __init__(self, folder: Path, info: DatasetInfo, seed: int = 0) -> None:
        if folder.exists():
            raise DataError(f"{folder}: exists already; remove it, or import to another folder")
        if len(set(info.classes)) != len(info.classes) or len(info.classes) == 1:
            raise DataError(f"classes must be two or more different names, not {list(info.classes)}")
        self._folder, self._info, self._seed = folder, info, seed
        self._source = _ModalityStats(holes=False)
        self._target = _ModalityStats(holes=info.holes == "mask")
        self._targets: list[tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any] | None, str]] = []
        self._origins: list[dict[str, str]] = []
        self._counts = {Split.SOURCE: 0, Split.PAIRS: 0}

    def __enter__(self) -> Self:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._temporary = Path(tempfile.mkdtemp(prefix=f".{self._folder.name}-", dir=self._folder.parent))
        (self._temporary / "sealed").mkdir()
        self._files = {part: _PartFile(self._temporary, part) for part in (Split.SOURCE, Split.PAIRS)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for file in self._files.values():
                file.close()
            if error is None:
                self._finish()
                self._temporary.chmod(0o755)  # mkdtemp lets only its owner in; a data set may be shared
                self._temporary.rename(self._folder)
        finally:
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
        """Add a TI pair: the same scene in both modalities, of one size."""
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
        real = None if real_source is None else {"image": self._real_source(real_source, shape, origin)}
        self._targets.append(({"image": data}, sealed, real, origin))

    def _real_source(self, image: bytes | Pixels, target_shape: tuple[int, ...], origin: str) -> bytes:
        data, shape = self._source_image(image, f"{origin} (source)", count=False)
        if shape[1:] != target_shape[1:]:
            raise DataError(f"{origin}: its real source image is {shape[1:]}, not {target_shape[1:]}")
        return data

    def _source_image(self, image: bytes | Pixels, where: str, count: bool = True) -> tuple[bytes, tuple[int, ...]]:
        pixels = decode(image, where) if isinstance(image, bytes) else image
        if pixels.dtype != np.uint8 or pixels.shape[0] != 3:
            raise DataError(f"{where}: a source image must be RGB with 8 bits, not {pixels.shape[0]} x {pixels.dtype}")
        if count:
            self._source.add(pixels)
        return _encoded(image, pixels, changed=False), pixels.shape

    def _target_image(self, image: bytes | Pixels, where: str) -> tuple[bytes, tuple[int, ...]]:
        pixels = decode(image, where, exact=True) if isinstance(image, bytes) else image
        own = pixels if self._target.channels == 3 else one_channel(pixels)  # among coloured images, some may be grey
        filled = fill_holes(own) if self._info.holes == "fill" else own
        self._target.add(filled, where)
        return _encoded(image, filled, changed=filled is not pixels), filled.shape

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
        _write(self._temporary, Sealed.ORIGINS, self._origins)
        if not self._counts[Split.SOURCE]:  # a source model is brought
            self._path(Split.SOURCE).unlink()
        files = {split: _entry(self._temporary, split) for split in Split if self._path(split).exists()}
        sealed = {part: _entry(self._temporary, part) for part in Sealed if self._path(part).exists()}
        empty = [file_name(split) for split, entry in files.items() if entry.rows == 0]
        if empty:
            raise DataError(f"{self._folder}: no rows for {', '.join(empty)}; every split needs some")
        self._manifest(files, sealed).save(self._temporary)

    def _write_targets(self) -> None:
        # Importers read class by class: in that order, a row's place would tell its label.
        order = np.random.default_rng(self._seed).permutation(len(self._targets))
        images: list[dict[str, Any]] = []
        labels: list[dict[str, Any]] = []
        reals: list[dict[str, Any]] = []
        for place, index in enumerate(order):
            image, label, real, origin = self._targets[index]
            name = {"id": f"{Split.TARGET}-{place:07d}"}
            images.append(name | image)
            labels += [name | label] if label else []
            reals += [name | real] if real else []
            self._origins.append(name | {"origin": origin})
        _write(self._temporary, Split.TARGET, images)
        for part, rows in ((Sealed.LABELS, labels), (Sealed.REAL_SOURCE, reals)):
            if rows and len(rows) != len(images):
                raise DataError(f"{self._folder}: {len(rows)} of {len(images)} target rows have a {part}; all or none")
            if rows:
                _write(self._temporary, part, rows)

    def _path(self, part: Split | Sealed) -> Path:
        return self._temporary / file_name(part)

    def _manifest(self, files: dict[Split, FileEntry], sealed: dict[Sealed, FileEntry]) -> Manifest:
        info = self._info
        sizes = self._source.sizes | self._target.sizes
        heights, widths = zip(*sizes, strict=True)
        return Manifest(
            name=info.name,
            source=self._source.modality(info.source_modality),
            target=self._target.modality(info.target_modality),
            classes=tuple(info.classes),
            min_size=(min(heights), min(widths)),
            max_size=(max(heights), max(widths)),
            holes=info.holes,
            files=files,
            sealed=sealed,
            provenance=info.provenance,
        )


class _ModalityStats:
    """Running mean and standard deviation per channel, sizes and bits of one modality."""

    def __init__(self, holes: bool) -> None:
        self._skip_zero = holes
        self._sum: Any = 0.0
        self._squares: Any = 0.0
        self._pixels = 0
        self.sizes: set[tuple[int, int]] = set()
        self.channels: int | None = None
        self._dtype: np.dtype[Any] | None = None

    def add(self, x_CHW: Pixels, where: str = "") -> None:
        kind = (x_CHW.shape[0], x_CHW.dtype)
        if self.channels is not None and kind != (self.channels, self._dtype):
            others = f"{self.channels} x {self._dtype} images"
            raise DataError(f"{where}: {kind[0]} x {kind[1]} image in a data set of {others}")
        self.channels, self._dtype = kind
        self.sizes.add((x_CHW.shape[1], x_CHW.shape[2]))
        flat = x_CHW.reshape(x_CHW.shape[0], -1).astype(np.float64)
        if self._skip_zero:
            flat = flat[:, (flat != 0).any(axis=0)]
        self._sum += flat.sum(axis=1)
        self._squares += (flat**2).sum(axis=1)
        self._pixels += flat.shape[1]

    def modality(self, name: str) -> Modality:
        assert self._dtype is not None, "no split is empty"
        mean = self._sum / max(self._pixels, 1)
        std = np.sqrt(np.maximum(self._squares / max(self._pixels, 1) - mean**2, 0))
        if not (std > 0).all():
            raise DataError(f"{name}: all images are of one flat value")
        bits = BITS[self._dtype.name]
        means, stds = (mean, std) if bits == 32 else (np.round(mean, 6), np.round(std, 6))  # of any unit
        return Modality(
            name=name, channels=len(mean), bits=bits, normalisation=Normalisation(mean=tuple(means), std=tuple(stds))
        )


class _PartFile:
    """Rows of one part, written a row group at a time."""

    def __init__(self, folder: Path, part: Split | Sealed) -> None:
        self._schema = SCHEMAS[part]
        self._writer = pq.ParquetWriter(folder / file_name(part), self._schema)
        self._rows: list[dict[str, Any]] = []

    def write(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) == _ROWS_PER_GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []


def _write(folder: Path, part: Split | Sealed, rows: Iterable[dict[str, Any]]) -> None:
    file = _PartFile(folder, part)
    for row in rows:
        file.write(row)
    file.close()


def _entry(folder: Path, part: Split | Sealed) -> FileEntry:
    path = folder / file_name(part)
    return FileEntry(rows=pq.read_metadata(path).num_rows, sha256=sha256_of(path))


def _encoded(given: bytes | Pixels, pixels: Pixels, changed: bool) -> bytes:
    return given if isinstance(given, bytes) and not changed and is_storable(given) else encode(pixels)


def _digest(group: str) -> str:
    return hashlib.sha256(group.encode()).hexdigest()[:16]
