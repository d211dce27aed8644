"""Markdown tables."""

from __future__ import annotations

import re

from sfcmt.reports.tables.markdown import markdown
from tests.reports.tables.examples import TABLE


def test_every_row_has_every_column_whatever_its_text() -> None:
    lines = markdown([TABLE]).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 2 + len(TABLE.rows)
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}
    assert rows[0] == "| arm | mean \\[95 %\\]\N{DAGGER} | a\\_b |"
    assert rows[1] == "| :-- | --: | --: |"
    assert "**\N{MINUS SIGN}2.0 \\[\N{MINUS SIGN}3.0, +1.0\\]**" in rows[2]
    assert rows[2].endswith("| missing |")


def test_the_note_is_under_the_table() -> None:
    assert markdown([TABLE]).splitlines()[-1].startswith("Test: none. \N{DAGGER} Oracle 50% & more\\_of")
