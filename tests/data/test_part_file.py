"""Row groups: none has more rows, or more bytes of images, than memory should hold."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sfcmt.data import part_file
from sfcmt.data.part_file import write_part
from sfcmt.data.schema import Split, file_name


@pytest.mark.parametrize(("length", "groups"), [(1, [256, 44]), (10, [100, 100, 100])])
def test_a_row_group_ends_by_rows_or_by_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int, groups: list[int]
) -> None:
    monkeypatch.setattr(part_file, "_BYTES_PER_GROUP", 1000)
    write_part(tmp_path, Split.TARGET, ({"id": str(row), "image": b"x" * length} for row in range(300)))
    metadata = pq.read_metadata(tmp_path / file_name(Split.TARGET))
    assert [metadata.row_group(place).num_rows for place in range(metadata.num_row_groups)] == groups
