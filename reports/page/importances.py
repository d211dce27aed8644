"""Which searched fields mattered: a table and a figure for each objective."""

from __future__ import annotations

from sfcmt.reports.figures.bars import Bar, bars
from sfcmt.reports.page.blocks import Block, Chart, Grid, Text
from sfcmt.reports.sources.evidence import MISSING
from sfcmt.reports.sources.search import SearchResults
from sfcmt.reports.statistics.importance import Importance, importance
from sfcmt.reports.tables.importances import NAMES, importances_table


def importance_blocks(label: str, results: SearchResults) -> list[Block]:
    """By fANOVA and by PED-ANOVA, or why they say nothing."""
    names = results.study.spec.objective.names
    return [block for place in range(len(names)) for block in _of_objective(label, results, place, names[place])]


def _of_objective(label: str, results: SearchResults, place: int, name: str) -> list[Block]:
    found = [
        importance(results.study.optuna.study, "fanova", place),
        importance(results.study.optuna.study, "ped_anova", place),
    ]
    if not any(one.shares for one in found):
        why = "; ".join(dict.fromkeys(one.reason or "" for one in found))
        return [Text(f"Importance for {name}: {MISSING} ({why}).")]
    table = importances_table(results, found, f"{label}-importance-{name}")
    evidence = next(str(cell.evidence) for row in table.rows for cell in row if cell.evidence)
    given = [_bar(one, field, share, evidence) for one in found for field, share in (one.shares or {}).items()]
    drawing = bars(f"{label}-importance-{name}", f"Share of importance for {name}.", given, "importance (%)")
    return [Grid(table), Chart(drawing)]


def _bar(one: Importance, field: str, share: float, evidence: str) -> Bar:
    measure = NAMES[one.evaluator]
    return Bar(field, measure, 100 * share, f"{field}: {100 * share:.0f} % by {measure}\n{evidence}")
