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

_SHARE = Metric("oracle/gap_closed")


def gap_table(results: AblationResults, found: Sequence[GapFinding], name: str) -> Table:
    """A row for each arm, then one for each oracle."""
    metric, level = Metric(results.spec.test.column), level_text(results.level)

    def cell(estimate: Estimate | None, reason: str, write: Metric) -> Cell:
        if estimate is None:
            return missing(reason)
        limits = write.limits(estimate.interval) if estimate.interval else "[missing]"
        evidence = results.provenance.evidence(estimate.n, estimate.seeds, interval_text(estimate.interval))
        return Cell(f"{write.value(estimate.value)} {limits}", evidence)

    columns = (
        Column("arm", is_number=False),
        Column(f"{metric.title}, mean [{level}]", is_oracle=True),
        Column(f"gap closed (%) [{level}]", is_oracle=True),
    )
    rows = tuple(
        (label(one.name), cell(one.mean, "no seed has a value", metric), cell(one.closed, one.reason, _SHARE))
        for one in found
    )
    gone = next((one.reason for one in found if one.name == CEILING and one.reason), "")
    notes = [
        f"Gap closed: mean of value \N{MINUS SIGN} {FLOOR}, over mean of {CEILING} \N{MINUS SIGN} {FLOOR}, of the "
        "seeds that have all three; missing where the oracle is not clearly above",
        *([f"Gap closed is missing: {gone}"] * bool(gone)),
        "Oracles were made with sealed data: with target labels (each image predicted by a model that has not seen its "
        "scene), or with the source images of the target's own scenes",
        f"Mean over seeds {seeds_text(results.seeds)} with t intervals, shares with Fieller's; test: none; correction: "
        "none",
    ]
    title = f"Gap to the oracle: {results.data}"
    return Table(name, title, columns, rows, notes_of(results.provenance, notes, has_oracle=True))
