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
from sfcmt.grounding.choice import Choice
from sfcmt.grounding.gate import ASSOCIATION
from sfcmt.grounding.wording import gate_text
from sfcmt.recipe import Recipe
from sfcmt.tuning.comparison import Comparison

SHOWN_VALIDATORS = (ASSOCIATION, "ensv")
"""What the choice without labels goes by."""


@dataclass(frozen=True)
class SummaryRow:
    """One method or oracle over all seeds; lists hold one value per seed."""

    method: str
    is_oracle: bool
    identities: list[str]
    validators: dict[str, list[float]]
    accuracy: list[float]
    balanced_accuracy: list[float]
    held_out_accuracy: list[float] = field(default_factory=list)
    """On images held out of adaptation: empty where there are none, as both others are on all images then."""
    held_out_balanced_accuracy: list[float] = field(default_factory=list)


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
    chosen: list[str] = field(default_factory=list)
    """What was chosen without labels, a line a seed."""

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
    scores = comparison.scores()
    recipes: Sequence[Recipe] = [*comparison.transfers, *comparison.oracles]
    identities = {name: [one.identity for one in recipes if one.name == name] for name in (one.name for one in recipes)}
    oracles = {recipe.name for recipe in comparison.oracles}
    rows = []
    for row_name in dict.fromkeys([*identities, *comparison.others]):
        found = [values[row_name] for values in comparison.validated.values() if row_name in values]
        judged = [scores[row_name, seed] for seed in comparison.seeds if (row_name, seed) in scores]
        rows.append(
            SummaryRow(
                method=row_name,
                is_oracle=row_name in oracles,
                identities=identities.get(row_name, []),
                validators={key: [values[key] for values in found] for key in found[0]} if found else {},
                accuracy=[one.accuracy for one in judged],
                balanced_accuracy=[one.balanced_accuracy for one in judged],
                held_out_accuracy=[one.held_out.accuracy for one in judged if one.held_out],
                held_out_balanced_accuracy=[one.held_out.balanced_accuracy for one in judged if one.held_out],
            )
        )
    chosen = [f"seed {seed}: {chosen_text(choice)}" for seed, choice in comparison.choices.items()]
    return Summary(name, comparison.dataset.manifest.name, list(comparison.seeds), rows, chosen=chosen)


def chosen_text(choice: Choice) -> str:
    """Which method a choice is for, or that nothing is chosen over methods, and why."""
    chosen = f"{choice.winner}, without labels" if choice.gate and choice.gate.is_grounded else "nothing is chosen"
    return f"{chosen}. {gate_text(choice.gate)}"


def table_of(summary: Summary) -> Table:
    """The summary as a table; what is missing is a dash."""
    seeds = f"seed{'s' if len(summary.seeds) > 1 else ''} {', '.join(map(str, summary.seeds))}"
    title = f"{summary.experiment} on {summary.data}, {seeds}"
    held_out = any(row.held_out_accuracy for row in summary.rows)
    caption = f"{_CAPTION}{_HELD_OUT if held_out else ''}"
    table = Table(title=title, caption=caption, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.collapse_padding = True
    table.title_justify = table.caption_justify = "left"
    table.add_column("method", overflow="fold")
    for name in SHOWN_VALIDATORS:
        table.add_column(f"label-free\n{name}", justify="right", no_wrap=True)
    for name in ("accuracy", "balanced"):
        table.add_column(f"oracle %\n{name}", justify="right", no_wrap=True, style="magenta")
    if held_out:
        table.add_column("oracle %\nheld out", justify="right", no_wrap=True, style="magenta")
    for row in sorted(summary.rows, key=lambda row: row.is_oracle):
        if row.is_oracle and not any(earlier.end_section for earlier in table.rows):
            table.add_section()
        free = [_mean_spread(row.validators.get(name, []), 1, 3) for name in SHOWN_VALIDATORS]
        columns = [row.accuracy, row.balanced_accuracy, *([row.held_out_balanced_accuracy] if held_out else [])]
        judged = [_mean_spread(values, 100, 1) for values in columns]
        table.add_row(row.method, *free, *judged)
    return table


_CAPTION = (
    "Mean±standard deviation over the seeds above, which is no interval: the\n"
    "spread of trainings, not of images. Balanced: mean of the classes' accuracies.\n"
    "Oracle columns read sealed target labels, oracle rows were made with sealed\n"
    "data: they judge, and nothing was chosen by them."
)
_HELD_OUT = (
    "\nHeld out: balanced, on images of frames that were held out of adaptation;\n"
    "all other columns are on the images that models adapted to."
)


def _mean_spread(values: Sequence[float], scale: float, digits: int) -> str:
    if not values:
        return "-"
    mean = f"{scale * statistics.fmean(values):.{digits}f}"
    return mean if len(values) == 1 else f"{mean}±{scale * statistics.stdev(values):.{digits}f}"
