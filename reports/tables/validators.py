"""What the label-free validators say of an ablation's arms."""

from __future__ import annotations

from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.evidence import interval_text
from sfcmt.reports.sources.runs import VALIDATOR, samples_of
from sfcmt.reports.statistics.estimates import mean_of
from sfcmt.reports.statistics.samples import Sample
from sfcmt.reports.tables.model import Cell, Column, Table, label, missing
from sfcmt.reports.tables.notes import notes_of
from sfcmt.reports.tables.numbers import Metric


def validators_table(results: AblationResults, name: str) -> Table | None:
    """A row for each arm, a column for each validator; None if none was written down."""
    scored = sorted(column for column in results.table.column_names if column.startswith(VALIDATOR))
    if not scored:
        return None

    def cell(sample: Sample, metric: Metric) -> Cell:
        if not sample:
            return missing("no seed has a value")
        mean = mean_of(sample, results.level)
        evidence = results.provenance.evidence(mean.n, mean.seeds, interval_text(mean.interval))
        return Cell(metric.value(mean.value), evidence, hint=metric.limits(mean.interval) if mean.interval else "")

    samples = {column: samples_of(results.runs, column) for column in scored}
    rows = tuple(
        (label(arm), *(cell(samples[column][arm], Metric(column)) for column in scored)) for arm in results.arms
    )
    columns = (Column("arm", is_number=False), *(Column(Metric(column).title) for column in scored))
    notes = ["Means over seeds; intervals are in the page's tooltips; test: none; correction: none"]
    return Table(name, "Label-free scores", columns, rows, notes_of(results.provenance, notes, False), is_long=True)
