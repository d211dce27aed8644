"""Whether the label-free validators would have chosen well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sfcmt.reports.sources.evidence import Provenance, interval_text
from sfcmt.reports.sources.results import Results
from sfcmt.reports.statistics.accountability import MIN_STUDIES, Accountability, StudyMean
from sfcmt.reports.tables.model import Cell, Column, Table, label, missing
from sfcmt.reports.tables.notes import notes_of
from sfcmt.reports.tables.numbers import Metric, size_text
from sfcmt.tuning.search.scoring import RANKED_FROM

_REGRET = Metric("oracle/regret")


def accountability_table(
    studies: Sequence[Results], seeds: Mapping[str, int], rows: Sequence[Accountability], name: str
) -> Table:
    """A row for each validator, the least regret first; `seeds` are those of the pools, by name."""
    provenance = Provenance.of_several(
        one.provenance.selected("each validator's own pick from the pool, without labels") for one in studies
    )

    def cell(found: StudyMean, row: Accountability, text: str, limits: str) -> Cell:
        interval = interval_text(found.interval) if found.interval else f"missing (below {MIN_STUDIES} pools)"
        evidence = provenance.evidence(f"{found.n} pools", sorted({seeds[one] for one in row.studies}), interval)
        return Cell(f"{text} {limits}".strip(), evidence)

    def regret(row: Accountability) -> Cell:
        assert row.regret.value is not None
        interval = row.regret.interval
        return cell(row.regret, row, _REGRET.value(row.regret.value), _REGRET.limits(interval) if interval else "")

    def rank(row: Accountability) -> Cell:
        if row.spearman.value is None:
            return missing(f"the models cannot be ranked: fewer than {RANKED_FROM}, or too many equal ones")
        interval = row.spearman.interval
        limits = f"[{size_text(interval.low)}, {size_text(interval.high)}]" if interval else ""
        return cell(row.spearman, row, size_text(row.spearman.value), limits)

    columns = (
        Column("validator", is_number=False),
        Column("pools"),
        Column("regret, points", is_oracle=True),
        Column("worst regret, points", is_oracle=True),
        Column("Spearman", is_oracle=True),
    )
    body = tuple(
        (
            label(row.validator),
            cell(row.regret, row, str(row.regret.n), ""),
            regret(row),
            cell(row.regret, row, _REGRET.value(row.worst_regret), ""),
            rank(row),
        )
        for row in rows
    )
    notes = [
        "A pool: the completed trials of a search, or the arms of an ablation under one seed. Regret: balanced "
        "accuracy of its best model minus that of the validator's pick; Spearman: rank correlation with it, "
        f"over pools of {RANKED_FROM} models or more",
        f"Intervals over pools (from {MIN_STUDIES}) by expanded percentile bootstrap; test: none; correction: none",
    ]
    return Table(name, "Validators, judged by the labels", columns, body, notes_of(provenance, notes, True))
