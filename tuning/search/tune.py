"""What `sfcmt tune` does: run a study's missing trials, pick its winner, and keep MLflow up to date beside."""

from __future__ import annotations

from typing import Any

from sfcmt.callbacks import Callback
from sfcmt.tuning.mlflow_sync import synced
from sfcmt.tuning.search.mlflow_sync import SearchSync
from sfcmt.tuning.search.run import run_study
from sfcmt.tuning.search.study import Study


def tune(study: Study, callback: Callback | None = None) -> dict[str, Any]:
    """Run all trials that are missing, and pick the winner without labels; the selection.

    It has the winner's number, its `values` by field, the identity of its `transfer`, and the pick's `scores`. Called
    again after any interruption it goes on. Raises `PausedError` on SIGTERM or Ctrl-C, `SearchError`.
    """
    callback = callback or Callback()
    with synced(SearchSync(study), callback):
        return run_study(study, callback)
