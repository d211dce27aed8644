"""Reading parts of a Parquet file: memory holds one row group, and what was asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray


def parquet_file(path: Path) -> pq.ParquetFile:
    """A Parquet file to be read a few rows at a time. As pyarrow opens one, it keeps all that has been read of it."""
    return pq.ParquetFile(path, pre_buffer=False)


def read_rows(path: Path, rows: ArrayLike, columns: Sequence[str]) -> pa.Table:
    """These columns of these rows, in their order. Only the row groups that hold them are read."""
    row_N = np.asarray(rows, dtype=np.int64)
    with parquet_file(path) as file:
        first_G = first_rows(file)
        group_N = np.searchsorted(first_G, row_N, side="right") - 1
        groups = np.unique(group_N)
        parts = [file.read_row_group(g, [*columns]).take(row_N[group_N == g] - first_G[g]) for g in groups.tolist()]
        empty = file.schema_arrow.empty_table().select([*columns])
    return pa.concat_tables([*parts, empty]).take(np.argsort(np.argsort(group_N, kind="stable"), kind="stable"))


def read_batches(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """These columns of all rows, in order, a few rows at a time."""
    with parquet_file(path) as file:
        for group in range(file.num_row_groups):
            yield from file.read_row_group(group, [*columns]).to_batches()


def first_rows(file: pq.ParquetFile) -> NDArray[np.int64]:
    """The first row (G,) of each row group."""
    counts = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    return np.cumsum([0, *counts[:-1]], dtype=np.int64)
