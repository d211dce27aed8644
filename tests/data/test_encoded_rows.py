"""Any row of a column, from its Parquet file or from a machine's own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sfcmt.data.encoded_rows import EncodedRows, FileRows, ParquetRows, write_rows

IMAGES = [bytes([row]) * (row % 7) for row in range(100)]


@pytest.fixture(params=["file", "parquet"])
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> EncodedRows:
    path = tmp_path / "rows"
    if request.param == "parquet":
        pq.write_table(pa.table({"image": pa.array(IMAGES, pa.binary())}), path, row_group_size=9)
        return ParquetRows(path, "image")
    with path.open("wb") as file:
        write_rows(file, iter(IMAGES))
    return FileRows(path.open("rb"))


def test_rows_are_read_in_any_order_by_many_threads(rows: EncodedRows) -> None:
    assert len(rows) == 100
    with ThreadPoolExecutor(4) as pool:
        places = [row * 37 % 100 for row in range(300)]
        assert [*pool.map(rows.__getitem__, places)] == [IMAGES[place] for place in places]
