"""The trials of a search: how the objectives went, and the table."""

from __future__ import annotations

from optuna.trial import FrozenTrial

from sfcmt.reports.figures.history import history
from sfcmt.reports.page.blocks import Block, Chart, Grid
from sfcmt.reports.sources.search import SearchResults
from sfcmt.reports.tables.model import Cell, Table
from sfcmt.reports.tables.trials import trials_table


def trial_blocks(label: str, results: SearchResults) -> list[Block]:
    """A figure for each objective, and the table of all trials."""
    table, trials = trials_table(results, f"{label}-trials"), results.study.trials
    tips = [_tip(trial, table, row) for trial, row in zip(trials, table.rows, strict=True)]
    pick, winner = results.selection["pick"], results.selection["winner"]
    charts = []
    for place, name in enumerate(results.study.spec.objective.names):
        judged = f"Objective {name} by trial, {results.study.record.chosen}"
        caption = f"{judged}; the winner was picked by {pick}, not by the objective."
        figure = f"{label}-history-{name}"
        charts.append(Chart(history(figure, caption, trials, place, name.replace("_", " "), winner, tips)))
    return [*charts, Grid(table)]


def _tip(trial: FrozenTrial, table: Table, row: tuple[Cell, ...]) -> str:
    told = [f"{column.title}: {cell.text}" for column, cell in zip(table.columns, row, strict=True)]
    return "\n".join([*told, str(row[0].evidence)])
