"""What a comparison prints: its table, what was trained, and where models and runs are."""

from __future__ import annotations

from rich.console import Console

from sfcmt.tuning.comparison import Comparison
from sfcmt.tuning.summary import Summary, table_of


def show_results(console: Console, summary: Summary, comparison: Comparison) -> None:
    """Print the table, what was trained, and where the models are."""
    console.print(table_of(summary))
    store = comparison.store.root
    if summary.trained == 0:
        console.print(f"Trained nothing: all {summary.found} stages were found in {store}.")
    else:
        console.print(f"Stages: {summary.trained} trained, {summary.found} found in {store}.")
    if len(comparison.methods) > 1:
        for line in summary.chosen:
            console.print(line)
    for cell in comparison.cells:
        if cell.method == comparison.experiment.method:
            console.print(f"Model: {cell.artifact.path} (seed {cell.seed})")


def show_tracking(console: Console, summary: Summary) -> None:
    """Print where the runs are, and how to look at them."""
    uri, *runs = summary.tracking.values()
    console.print(f"MLflow: experiment {summary.experiment}, run {runs[0]}")
    server = uri.startswith(("http://", "https://"))
    console.print(f"  open {uri}" if server else f"  mlflow ui --backend-store-uri {uri}")
