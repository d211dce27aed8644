"""What a writer keeps of target rows until all are there, in columns: some hundred bytes a row, and no pixel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from sfcmt.data.blob_file import Place

_PLACE = pa.struct([pa.field("start", pa.int64()), pa.field("length", pa.int64())])
_SCHEMA = pa.schema(
    {"image": _PLACE, "label": pa.int32(), "group": pa.large_string(), "real": _PLACE, "origin": pa.large_string()}
)
_ROWS_AT_ONCE = 4096


class TargetRow(NamedTuple):
    """A target row: where its images lie, and what is sealed of it."""

    image: Place
    label: int | None
    group: str
    real: Place | None
    origin: str


class TargetRows:
    """Rows in the order of the import, and shuffled once all are there."""

    def __init__(self) -> None:
        self._full: list[pa.RecordBatch] = []
        self._last: list[dict[str, Any]] = []

    def __len__(self) -> int:
        packed: int = sum(batch.num_rows for batch in self._full)
        return packed + len(self._last)

    def add(self, row: TargetRow) -> None:
        """Keep a row."""
        places = {"image": row.image._asdict(), "real": row.real and row.real._asdict()}
        self._last.append(row._asdict() | places)
        if len(self._last) == _ROWS_AT_ONCE:
            self._pack()

    def count(self, column: str) -> int:
        """Rows that have something in a column."""
        table = self._table()
        found: int = table.num_rows - table[column].null_count
        return found

    def shuffled(self, seed: int) -> Iterator[TargetRow]:
        """All rows in random order, the same in every pass."""
        table = self._table().combine_chunks()  # or each `take` would do it again
        order = np.random.default_rng(seed).permutation(len(table))
        for start in range(0, len(order), _ROWS_AT_ONCE):
            yield from map(_row, table.take(order[start : start + _ROWS_AT_ONCE]).to_pylist())

    def _table(self) -> pa.Table:
        self._pack()
        return pa.Table.from_batches(self._full, schema=_SCHEMA)

    def _pack(self) -> None:
        if self._last:
            self._full.append(pa.RecordBatch.from_pylist(self._last, schema=_SCHEMA))
            self._last = []


def _row(values: dict[str, Any]) -> TargetRow:
    real = values["real"] and Place(**values["real"])
    return TargetRow(**values | {"image": Place(**values["image"]), "real": real})
