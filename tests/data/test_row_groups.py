"""Reading some rows, or all of them in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sfcmt.data.row_groups import parquet_file, read_batches, read_rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "some.parquet"
    table = pa.table({"a": list(range(25)), "b": [f"row {row}" for row in range(25)], "c": [b"x"] * 25})
    pq.write_table(table, file, row_group_size=10)
    return file


@pytest.mark.parametrize("rows", [[3], [24, 0, 11, 0, 9, 10], list(range(25)), []])
def test_rows_come_in_the_order_asked_for(path: Path, rows: list[int]) -> None:
    found = read_rows(path, np.array(rows, dtype=np.int64), ["b", "a"])
    assert found.to_pydict() == {"b": [f"row {row}" for row in rows], "a": rows}


def test_only_their_row_groups_are_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read, whole = [], pq.ParquetFile.read_row_group

    def noted(file: pq.ParquetFile, group: int, columns: list[str]) -> pa.Table:
        read.append((group, columns))
        return whole(file, group, columns)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", noted)
    read_rows(path, np.array([21, 2, 22]), ["a"])
    assert read == [(0, ["a"]), (2, ["a"])]


def test_batches_have_all_rows_in_order(path: Path) -> None:
    batches = [*read_batches(path, ["a"])]
    assert [len(batch) for batch in batches] == [10, 10, 5]
    assert pa.Table.from_batches(batches)["a"].to_pylist() == list(range(25))


@pytest.mark.parametrize(
    "read", [lambda path: parquet_file(path).iter_batches(10), lambda path: read_batches(path, ["a"])]
)
def test_what_has_been_read_is_not_kept(tmp_path: Path, read: Callable[[Path], Iterable[pa.RecordBatch]]) -> None:
    noise = np.random.default_rng(0)
    table = pa.table({"a": [noise.bytes(10**4) for _ in range(1000)]})
    pq.write_table(table, tmp_path / "large.parquet", row_group_size=10)
    del table
    before, most = pa.total_allocated_bytes(), 0
    for _ in read(tmp_path / "large.parquet"):
        most = max(most, pa.total_allocated_bytes() - before)
    assert 10**5 < most < 10**6  # of the ten million that the file has
