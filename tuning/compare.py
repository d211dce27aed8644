"""What `sfcmt run` and `sfcmt compare` do: train and judge, and log to MLflow."""

from __future__ import annotations

from sfcmt.callbacks import Callback, Callbacks
from sfcmt.tuning.comparison import Comparison
from sfcmt.tuning.mlflow_calls import MlflowCalls
from sfcmt.tuning.summary import StageCounter, Summary, summarise
from sfcmt.tuning.tracker import Tracker


def compare(comparison: Comparison, name: str, callback: Callback | None = None, jobs: int | None = None) -> Summary:
    """Train what is missing of a comparison, `jobs` stages at a time, then judge it; its table is called `name`.

    Without sealed labels in the data set there are label-free scores only.
    """
    counter, callback = StageCounter(), callback or Callback()
    comparison.train(Callbacks([callback, counter]), jobs)
    with callback.doing("judging"):
        summary = summarise(name, comparison)
    summary.trained, summary.found = len(counter.trained), len(counter.found)
    return summary


def track(name: str, comparison: Comparison, summary: Summary, is_comparison: bool = True) -> dict[str, str]:
    """Log to the MLflow experiment `name`; the ids of the runs by what they are. Raises `TrackingError`.

    A comparison is a parent run with a child for each method and seed; else only the experiment's own method is logged,
    with its model. What is logged already is left alone.
    """
    scores = comparison.scores()
    with MlflowCalls():
        tracker = Tracker(name)
        parent = tracker.log_comparison(comparison, summary, name) if is_comparison else None
        runs = {} if parent is None else {"comparison": parent}
        for cell, validators in comparison.validations():
            if is_comparison or cell.method == comparison.experiment.method:
                judged = scores.get((cell.method, cell.seed))
                runs[f"{cell.method} seed {cell.seed}"] = tracker.log_cell(cell, comparison, validators, judged, parent)
        return {"uri": tracker.uri, **runs}
