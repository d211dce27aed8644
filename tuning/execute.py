"""What `sfcmt run` and `sfcmt compare` do: train, judge, show, track."""

from __future__ import annotations

from rich.console import Console

from sfcmt.callbacks import Callbacks
from sfcmt.progress.lines import ProgressLines
from tuning.comparison import Comparison
from tuning.summary import StageCounter, Summary, summarise, table_of
from tuning.tracker import Tracker, outages_reported


def execute(
    name: str, comparison: Comparison, progress: ProgressLines, jobs: int | None = None, is_comparison: bool = True
) -> Summary:
    """Train what is missing of a comparison, print the table, and log it to the MLflow experiment `name`.

    A comparison is tracked as a parent run with a child for each method and seed; else only the experiment's own
    method is, with its model.
    """
    counter = StageCounter()
    comparison.train(Callbacks([progress, counter]), jobs)
    with progress.doing("judging"):
        summary = summarise(name, comparison)
    summary.trained, summary.found = len(counter.trained), len(counter.found)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    with progress.aside():
        show_results(console, summary, comparison)
    with progress.doing("logging to MLflow"):
        summary.tracking = track(name, comparison, summary, is_comparison)
    with progress.aside():
        show_tracking(console, summary)
    return summary


def track(name: str, comparison: Comparison, summary: Summary, is_comparison: bool) -> dict[str, str]:
    """Log to MLflow; the ids of the runs by what they are. Raises `TrackingError`."""
    scores = comparison.scores()
    with outages_reported():
        tracker = Tracker(name)
        parent = tracker.log_comparison(comparison, summary, name) if is_comparison else None
        runs = {} if parent is None else {"comparison": parent}
        for cell, validators in comparison.validations():
            if is_comparison or cell.method == comparison.experiment.method:
                judged = scores.get((cell.method, cell.seed))
                runs[f"{cell.method} seed {cell.seed}"] = tracker.log_cell(cell, comparison, validators, judged, parent)
        return {"uri": tracker.uri, **runs}


def show_results(console: Console, summary: Summary, comparison: Comparison) -> None:
    """Print the table, what was trained, and where the models are."""
    console.print(table_of(summary))
    store = comparison.store.root
    if summary.trained == 0:
        console.print(f"Trained nothing: all {summary.found} stages were found in {store}.")
    else:
        console.print(f"Stages: {summary.trained} trained, {summary.found} found in {store}.")
    for cell in comparison.cells:
        if cell.method == comparison.experiment.method:
            console.print(f"Model: {cell.artifact.path} (seed {cell.seed})")


def show_tracking(console: Console, summary: Summary) -> None:
    """Print where the runs are, and how to look at them."""
    uri, *runs = summary.tracking.values()
    console.print(f"MLflow: experiment {summary.experiment}, run {runs[0]}")
    server = uri.startswith(("http://", "https://"))
    console.print(f"  open {uri}" if server else f"  mlflow ui --backend-store-uri {uri}")
