"""The table at the end of a run: label-free columns, and oracle columns set apart."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich import box
from rich.table import Table

from sfcmt.artifact import Artifact
from sfcmt.callbacks import Callback
from sfcmt.recipe import Recipe
from sfcmt.tuning.comparison import Comparison

SHOWN_VALIDATORS = ("infomax", "pair_cosine", "ensv")


@dataclass(frozen=True)
class SummaryRow:
    """One method or oracle over all seeds; lists hold one value per seed."""

    method: str
    is_oracle: bool
    identities: list[str]
    validators: dict[str, list[float]]
    accuracy: list[float]
    balanced_accuracy: list[float]


@dataclass
class Summary:
    """What a comparison found, ready to print or to serialise."""

    experiment: str
    data: str
    seeds: list[int]
    rows: list[SummaryRow]
    trained: int = 0
    found: int = 0
    tracking: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


class StageCounter(Callback):
    """Counts which stages were trained and which were found."""

    def __init__(self) -> None:
        self.trained: set[str] = set()
        self.found: set[str] = set()

    def stage_ended(self, recipe: Recipe, artifact: Artifact) -> None:
        """Count one."""
        if not artifact.reused:
            self.trained.add(recipe.identity)
        elif recipe.identity not in self.trained:
            self.found.add(recipe.identity)


def summarise(name: str, comparison: Comparison) -> Summary:
    """Collect the label-free scores, then (selection being over) the oracle scores."""
    validations = [(cell.method, found) for cell, found in comparison.validations()]
    scores = comparison.scores()
    rows = []
    recipes: Sequence[Recipe] = [*comparison.transfers, *comparison.oracles]
    for row_name in dict.fromkeys(recipe.name for recipe in recipes):
        mine = [recipe for recipe in recipes if recipe.name == row_name]
        found = [values for method, values in validations if method == row_name]
        judged = [scores[row_name, seed] for seed in comparison.seeds if (row_name, seed) in scores]
        rows.append(
            SummaryRow(
                method=row_name,
                is_oracle=mine[0] in comparison.oracles,
                identities=[recipe.identity for recipe in mine],
                validators={key: [values[key] for values in found] for key in found[0]} if found else {},
                accuracy=[one.accuracy for one in judged],
                balanced_accuracy=[one.balanced_accuracy for one in judged],
            )
        )
    return Summary(name, comparison.dataset.manifest.name, list(comparison.seeds), rows)


def table_of(summary: Summary) -> Table:
    """The summary as a table; what is missing is a dash."""
    seeds = f"seed{'s' if len(summary.seeds) > 1 else ''} {', '.join(map(str, summary.seeds))}"
    title = f"{summary.experiment} on {summary.data}, {seeds}"
    table = Table(title=title, caption=_CAPTION, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.collapse_padding = True
    table.title_justify = table.caption_justify = "left"
    table.add_column("method", overflow="fold")
    for name in SHOWN_VALIDATORS:
        table.add_column(f"label-free\n{name}", justify="right", no_wrap=True)
    for name in ("accuracy", "balanced"):
        table.add_column(f"oracle %\n{name}", justify="right", no_wrap=True, style="magenta")
    for row in sorted(summary.rows, key=lambda row: row.is_oracle):
        if row.is_oracle and not any(earlier.end_section for earlier in table.rows):
            table.add_section()
        free = [_mean_spread(row.validators.get(name, []), 1, 3) for name in SHOWN_VALIDATORS]
        judged = [_mean_spread(values, 100, 1) for values in (row.accuracy, row.balanced_accuracy)]
        table.add_row(row.method, *free, *judged)
    return table


_CAPTION = (
    "Mean±standard deviation over seeds; balanced: mean of the classes' accuracies.\n"
    "Oracle columns read sealed target labels, oracle rows were made with sealed\n"
    "data: they judge, and nothing was chosen by them."
)


def _mean_spread(values: Sequence[float], scale: float, digits: int) -> str:
    if not values:
        return "-"
    mean = f"{scale * statistics.fmean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean}±{scale * statistics.stdev(values):.{digits}f}"
