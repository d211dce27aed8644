"""What `sfcmt run` and `sfcmt compare` do: train, judge, track, show."""

from __future__ import annotations

from rich.console import Console

from sfcmt.callbacks import Callbacks
from sfcmt.progress import progress_callback
from tuning.comparison import Comparison
from tuning.summary import StageCounter, Summary, summarise, table_of
from tuning.tracker import Tracker


def execute(name: str, comparison: Comparison, jobs: int = 1, is_comparison: bool = True) -> Summary:
    """Train what is missing of a comparison, log it to the MLflow experiment `name`, and print the table.

    A comparison is tracked as a parent run with a child for each method and seed; else only the experiment's own
    method is, with its model.
    """
    counter = StageCounter()
    with progress_callback() as progress:
        comparison.train(Callbacks([progress, counter]), jobs)
    summary = summarise(name, comparison)
    summary.trained, summary.found = len(counter.trained), len(counter.found)
    summary.tracking = track(name, comparison, summary, is_comparison)
    show(summary, comparison)
    return summary


def track(name: str, comparison: Comparison, summary: Summary, is_comparison: bool) -> dict[str, str]:
    """Log to MLflow; the ids of the runs by what they are."""
    tracker, scores = Tracker(name), comparison.scores()
    parent = tracker.log_comparison(comparison, summary, name) if is_comparison else None
    runs = {} if parent is None else {"comparison": parent}
    for cell, validators in comparison.validations():
        if is_comparison or cell.method == comparison.experiment.method:
            judged = scores.get((cell.method, cell.seed))
            runs[f"{cell.method} seed {cell.seed}"] = tracker.log_cell(cell, comparison, validators, judged, parent)
    return {"uri": tracker.uri, **runs}


def show(summary: Summary, comparison: Comparison) -> None:
    """Print the table, what was trained, and where the results are."""
    console = Console(soft_wrap=True, highlight=False)
    console.print(table_of(summary))
    store = comparison.store.root
    if summary.trained == 0:
        console.print(f"Trained nothing: all {summary.found} stages were found in {store}.")
    else:
        console.print(f"Stages: {summary.trained} trained, {summary.found} found in {store}.")
    own = [cell for cell in comparison.cells if cell.method == comparison.experiment.method]
    if own:
        console.print(f"Model: {own[0].artifact.path}")
    uri, *_ = summary.tracking.values()
    console.print(
        f"MLflow: {uri}, experiment {summary.experiment}; browse it with: mlflow ui --backend-store-uri {uri}"
    )
