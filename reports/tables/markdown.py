"""Tables as Markdown (GitHub's)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sfcmt.reports.tables.model import Cell, Table

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")


def markdown(tables: Sequence[Table]) -> str:
    """All tables, one after the other."""
    return "\n".join(map(_table, tables))


def escaped(text: str) -> str:
    """Text that Markdown prints as it is."""
    return _SPECIAL.sub(r"\\\1", text).replace("\n", " ")


def _table(table: Table) -> str:
    titles = [escaped(column.marked) for column in table.columns]
    rules = ["--:" if column.is_number else ":--" for column in table.columns]
    rows = [titles, rules, *([_cell(cell) for cell in row] for row in table.rows)]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"**{escaped(table.title)}**\n\n{lines}\n\n{escaped(' '.join(table.notes))}\n"


def _cell(cell: Cell) -> str:
    text = escaped(cell.text)
    return f"**{text}**" if cell.tone == "clear" else text
