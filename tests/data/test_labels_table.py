"""A user's labels by table; `tests/reports/audit/test_labels_file.py` has those of an audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfcmt.data.labels_table import read_labels
from sfcmt.errors import ConfigError, DataError


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("label;ID\ncat;a\ncat;x\n?;b\n;c\ndog;a\n")
    with pytest.raises(ConfigError) as refused:
        read_labels(path, ["a", "b", "c"], ["cat", "dog"], "an id of mine")
    assert str(refused.value).splitlines() == [
        f"{path} line 3: id: 'x' is not allowed; allowed: an id of mine",
        f"{path} line 4: label: '?' is not allowed; allowed: cat, dog",
        f"{path} line 6: id: 'a' is not allowed; allowed: an id once; it is on line 2 as well",
    ]
    path.write_text("label;ID\ncat;a\n;c\n")
    assert read_labels(path, ["a", "c"], ["cat"], "an id of mine") == {"a": "cat"}


def test_a_missing_table_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: cannot be read \(No such file"):
        read_labels(tmp_path / "none.csv", [], [], "none")
