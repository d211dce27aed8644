"""The gap to the oracle, and how much of it is closed."""

from __future__ import annotations

from collections.abc import Sequence

from sfcmt.reports.findings.gap import CEILING, FLOOR, GapFinding
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.evidence import interval_text, seeds_text
from sfcmt.reports.statistics.estimates import Estimate
from sfcmt.reports.tables.model import Cell, Column, Table, label, missing
from sfcmt.reports.tables.notes import notes_of
from sfcmt.reports.tables.numbers import Metric, level_text


def gap_table(results: AblationResults, found: Sequence[GapFinding], name: str) -> Table:
    """A row for each arm, then one for each oracle."""
    metric, level = Metric(results.spec.test.column), level_text(results.level)

    def cell(estimate: Estimate | None) -> Cell:
        if estimate is None:
            return missing("no seed has a value, or none has a gap")
        limits = metric.limits(estimate.interval) if estimate.interval else "[missing]"
        evidence = results.provenance.evidence(estimate.n, estimate.seeds, interval_text(estimate.interval))
        return Cell(f"{metric.value(estimate.value)} {limits}", evidence)

    columns = (
        Column("arm", is_number=False),
        Column(f"{metric.title}, mean [{level}]", is_oracle=True),
        Column(f"gap closed (%) [{level}]", is_oracle=True),
    )
    rows = tuple((label(one.name), cell(one.mean), cell(one.closed)) for one in found)
    notes = [
        f"Gap closed: (value \N{MINUS SIGN} {FLOOR}) / ({CEILING} \N{MINUS SIGN} {FLOOR}), seed by seed",
        "Oracles were made with sealed data: with target labels (each image predicted by a model that has not seen its "
        "scene), or with the source images of the target's own scenes",
        f"Mean over seeds {seeds_text(results.seeds)} with t intervals; test: none; correction: none",
    ]
    title = f"Gap to the oracle: {results.data}"
    return Table(name, title, columns, rows, notes_of(results.provenance, notes, has_oracle=True))
