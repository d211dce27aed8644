"""Which searched fields mattered, by two measures."""

from __future__ import annotations

from collections.abc import Sequence

from sfcmt.reports.sources.search import SearchResults
from sfcmt.reports.statistics.importance import Importance
from sfcmt.reports.tables.model import Cell, Column, Table, label, missing
from sfcmt.reports.tables.notes import notes_of

NAMES = {"fanova": "fANOVA", "ped_anova": "PED-ANOVA"}


def importances_table(results: SearchResults, found: Sequence[Importance], name: str) -> Table:
    """Shares in percent, a row for each searched field."""
    fields = sorted(results.study.space, key=lambda field: -max((one.shares or {}).get(field, 0.0) for one in found))

    def share(one: Importance, field: str) -> Cell:
        if one.shares is None or field not in one.shares:
            return missing(one.reason or "not searched in every completed trial")
        return Cell(f"{100 * one.shares[field]:.0f}", results.provenance.evidence(f"{one.n} trials", results.seeds))

    columns = (Column("field", is_number=False), *(Column(f"{NAMES[one.evaluator]} (%)") for one in found))
    rows = tuple((label(field), *(share(one, field) for one in found)) for field in fields)
    objective = results.study.spec.objective.names[found[0].objective]
    notes = [
        f"Shares of importance for the objective {objective}, which sum to 100; n: {found[0].n} completed trials",
        "Neither tells a direction, and both rest on where the sampler went; interval, test and correction: none",
    ]
    return Table(name, f"Importance for {objective}", columns, rows, notes_of(results.provenance, notes, False))
