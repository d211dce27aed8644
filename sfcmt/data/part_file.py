"""Writing one Parquet file of a data set, a row group at a time, so that memory holds no more than one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sfcmt.data.schema import SCHEMAS, Part, file_name
from sfcmt.durable import disk_errors

_ROWS_PER_GROUP = 256
_BYTES_PER_GROUP = 2**26
"""A row group ends at so many rows, or so many bytes of images."""


class PartFile:
    """Rows of one part, written a row group at a time."""

    def __init__(self, folder: Path, part: Part) -> None:
        self._schema = SCHEMAS[part]
        self._writer = pq.ParquetWriter(folder / file_name(part), self._schema)
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0

    def write(self, row: dict[str, Any]) -> None:
        """Add a row."""
        self._rows.append(row)
        self._bytes += sum(len(value) for value in row.values() if isinstance(value, bytes))
        if len(self._rows) == _ROWS_PER_GROUP or self._bytes >= _BYTES_PER_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is left, and the file's end."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            rows, self._rows, self._bytes = self._rows, [], 0
            with disk_errors("the data set"):
                self._writer.write_table(pa.Table.from_pylist(rows, schema=self._schema))


def write_part(folder: Path, part: Part, rows: Iterable[dict[str, Any]]) -> None:
    """Write a whole part."""
    file = PartFile(folder, part)
    for row in rows:
        file.write(row)
    file.close()
