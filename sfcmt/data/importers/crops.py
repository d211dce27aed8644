"""Importer of crops: one Parquet file in which every row holds both modalities."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sfcmt.data.importer import IMPORTERS, Importer, ImportOptions
from sfcmt.data.manifest import Holes
from sfcmt.data.row_groups import parquet_file
from sfcmt.data.writer import DatasetInfo, DatasetWriter
from sfcmt.errors import DataError
from sfcmt.listing import listed
from sfcmt.text_files import composed

_ROWS_AT_ONCE = 256


class CropsOptions(ImportOptions):
    """Options of the importer of crops."""

    source_modality: str = Field("rgb", description="Name of the source modality.")
    target_modality: str | None = Field(
        None, description="Name of the target modality; by default nir if the file's name holds nir, else depth."
    )
    holes: Holes = Field("keep", description="What to do with target pixels of value 0: keep, fill or mask them.")


class _Row(BaseModel):
    model_config = ConfigDict(strict=True)
    rgb: bytes | None
    target: bytes | None
    label: int | None
    class_name: str | None
    split: Literal["source", "target_tr", "ti"]
    group: str
    orig: str


@IMPORTERS.register("crops")
class Crops(Importer[CropsOptions]):
    """FILE.parquet with the columns rgb, target, label, class_name, split (source, target_tr, ti), group and orig.

    What a fair run must not see is dropped or sealed: the target of source rows, rgb and label of target_tr rows, and
    the class of ti rows.
    """

    options = CropsOptions

    def recognises(self, path: Path) -> bool:
        return path.is_file() and path.suffix == ".parquet" and not _missing_columns(_open(path))

    def run(self, source: Path, destination: Path, options: CropsOptions) -> None:
        file = _open(source)
        missing = _missing_columns(file)
        if missing:
            raise DataError(f"{source}: lacks the columns {', '.join(missing)}")
        classes = _classes(file, source.name)
        info = DatasetInfo(
            name=destination.name,
            source_modality=options.source_modality,
            target_modality=options.target_modality or ("nir" if "nir" in source.stem.lower() else "depth"),
            classes=classes,
            provenance=options.provenance("crops", source),
            source_images=options.source_images,
            pairs=options.pairs,
            reading=options.reading,
            holes=options.holes,
        )
        with DatasetWriter(destination, info, skip=self.scanner.skip_image) as writer:
            for where, values in _rows(file, list(_Row.model_fields), source.name):
                _add(writer, _checked(values, where), classes, where)


def _open(path: Path) -> pq.ParquetFile:
    try:
        return parquet_file(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path}: not a readable Parquet file ({error})") from error


def _missing_columns(file: pq.ParquetFile) -> list[str]:
    return [name for name in _Row.model_fields if name not in file.schema_arrow.names]


def _rows(file: pq.ParquetFile, columns: list[str], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    number = 0
    try:
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=columns):
            for row in batch.to_pylist():
                yield f"{name} row {number}", row
                number += 1
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise DataError(f"{name}: cannot be read from row {number} on ({error})") from error


def _classes(file: pq.ParquetFile, name: str) -> tuple[str, ...]:
    names: dict[int, str] = {}
    for where, row in _rows(file, ["split", "label", "class_name"], name):
        if row["split"] != "source":
            continue
        label, class_name = row["label"], row["class_name"]
        if not isinstance(label, int) or not isinstance(class_name, str):
            raise DataError(f"{where}: a source row needs a whole label and a class_name, not {label}, {class_name}")
        if names.setdefault(label, composed(class_name)) != composed(class_name):
            raise DataError(f"{where}: label {label} is {class_name!r} here but {names[label]!r} above")
    if sorted(names) != list(range(len(names))):
        raise DataError(
            f"{name}: labels of source rows must be 0 to {len(names) - 1} without gaps, not {sorted(names)}"
        )
    return tuple(names[label] for label in range(len(names)))


def _checked(values: dict[str, Any], where: str) -> _Row:
    try:
        return _Row.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(f"{where}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _add(writer: DatasetWriter, row: _Row, classes: tuple[str, ...], where: str) -> None:
    origin = f"{where} ({row.orig})"
    if row.split == "ti":
        rgb, target = _image(row.rgb, "rgb", origin), _image(row.target, "target", origin)
        writer.add_pair(rgb, target, row.group, origin)
        return
    label = _label(row, classes, origin)
    if row.split == "target_tr":
        target = _image(row.target, "target", origin)
        writer.add_target(target, row.group, origin, label=label, real_source=row.rgb)
        return
    assert label is not None  # the classes were read from it
    writer.add_source(_image(row.rgb, "rgb", origin), label, row.group, origin)


def _label(row: _Row, classes: tuple[str, ...], where: str) -> int | None:
    if row.label is None or row.class_name is None:
        return row.label
    if not 0 <= row.label < len(classes) or classes[row.label] != composed(row.class_name):
        raise DataError(f"{where}: label {row.label} is not {row.class_name!r}; classes: {listed(classes)}")
    return row.label


def _image(data: bytes | None, column: str, where: str) -> bytes:
    if data is None:
        raise DataError(f"{where}: no image in column {column}")
    return data
