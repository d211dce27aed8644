"""Target rows in columns: what comes out is what went in, in one random order."""

from __future__ import annotations

import pytest

from sfcmt.data import target_rows
from sfcmt.data.blob_file import Place
from sfcmt.data.target_rows import TargetRow, TargetRows


def row(number: int, sealed: bool = True) -> TargetRow:
    real = Place(number * 7, 2**40) if sealed else None
    return TargetRow(Place(number, number + 1), number if sealed else None, f"g{number}", real, f"Bild \xe4{number}")


@pytest.mark.parametrize("count", [0, 1, 10, 11])
def test_all_rows_come_once_and_alike_in_every_pass(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(target_rows, "_ROWS_AT_ONCE", 5)
    rows = TargetRows()
    for number in range(count):
        rows.add(row(number))
    found = [*rows.shuffled(3)]
    assert len(rows) == len(found) == count
    assert sorted(found) == [row(number) for number in range(count)]
    assert found == [*rows.shuffled(3)]
    assert count < 2 or found != [*rows.shuffled(4)]


def test_what_only_some_rows_have_is_counted() -> None:
    rows = TargetRows()
    for number in range(7):
        rows.add(row(number, sealed=number > 2))
    assert {column: rows.count(column) for column in ("image", "label", "real")} == {"image": 7, "label": 4, "real": 4}
    assert rows.count("origin") == 7
