"""Rewriting a sealed part of a data set, with a manifest that agrees."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sfcmt.data.manifest import MANIFEST
from sfcmt.data.schema import SCHEMAS, Sealed, file_name
from sfcmt.file_digests import sha256_of


def reseal(folder: Path, part: Sealed, **columns: list[object]) -> None:
    """Put other values into columns of a sealed part."""
    path = folder / file_name(part)
    table = pq.read_table(path)
    for name, values in columns.items():
        field = SCHEMAS[part].field(name)
        table = table.set_column(table.schema.get_field_index(name), field, pa.array(values, field.type))
    pq.write_table(table, path)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["sealed"][part]["sha256"] = sha256_of(path)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def column(folder: Path, part: Sealed, name: str) -> list[object]:
    """A column of a sealed part."""
    values: list[object] = pq.read_table(folder / file_name(part))[name].to_pylist()
    return values
