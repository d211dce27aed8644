"""What was trained, what was reused, and the seconds of both."""

from __future__ import annotations

from sfcmt.reports.findings.costs import Cost, Costs
from sfcmt.reports.sources.results import Results
from sfcmt.reports.tables.model import Cell, Column, Table, label
from sfcmt.reports.tables.notes import notes_of
from sfcmt.reports.tables.numbers import seconds_text


def costs_table(results: Results, costs: Costs, name: str) -> Table:
    """A row for each sort of training."""

    def row(cost: Cost) -> tuple[Cell, ...]:
        evidence = results.provenance.evidence(cost.trained + cost.reused, results.seeds)
        unknown = f"{cost.unknown} more: seconds missing" if cost.unknown else ""
        texts = (str(cost.trained), seconds_text(cost.seconds), str(cost.reused), seconds_text(cost.saved))
        return (
            label(cost.what),
            *(Cell(text, evidence, hint=unknown) for text in texts),
            Cell(str(cost.unknown), evidence),
        )

    columns = (
        Column("training", is_number=False),
        *map(Column, ("trained", "time spent", "reused", "time saved", "missing")),
    )
    notes = [costs.covers, "Wall time, measured once; interval: none; test: none; correction: none"]
    rows = tuple(map(row, costs.rows))
    return Table(name, "Cost", columns, rows, notes_of(results.provenance, notes, False), is_long=True)
