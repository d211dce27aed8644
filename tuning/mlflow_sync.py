"""Mirrors of studies in MLflow, written by a thread beside the work, which never waits for them.

A study holds all that its mirror writes, so a server that is down is asked again later, and a restarted study finds its
runs by their identity and makes none twice. What is written twice, MLflow keeps once.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import mlflow
from mlflow.entities import Run

from sfcmt.callbacks import Callback
from sfcmt.tuning.tracker import IDENTITY, PARENT

_SECONDS = 2.0
_PATIENCE = 60.0


class MLflowSync(ABC):
    """Brings the MLflow experiment called `name` up to what a study knows."""

    def __init__(self, name: str) -> None:
        self._client = mlflow.MlflowClient()
        self._name = name

    @abstractmethod
    def _write(self) -> None:
        """Write what is missing; called again and again, by one thread at a time."""

    def sync(self) -> bool:
        """Write what is missing; False if MLflow could not be reached."""
        try:
            self._write()
        except (mlflow.MlflowException, OSError):
            return False
        return True

    def catch_up(self) -> bool:
        """Sync, waiting a while for a server that is down; False if it did not come back."""
        deadline = time.monotonic() + _PATIENCE
        while not (done := self.sync()) and time.monotonic() < deadline:
            time.sleep(_SECONDS)
        return done

    def _open(self) -> None:
        """Make the experiment if there is none, and the database with it."""
        self._experiment_id = mlflow.set_experiment(self._name).experiment_id

    def _find(self, identity: str) -> Run | None:
        found = self._client.search_runs([self._experiment_id], f"tags.`{IDENTITY}` = '{identity}'")
        return found[0] if found else None

    def _create(self, name: str, identity: str, parent: str | None) -> Run:
        tags = {IDENTITY: identity} | ({PARENT: parent} if parent else {})
        return self._client.create_run(self._experiment_id, tags=tags, run_name=name)


@contextmanager
def synced(sync: MLflowSync, callback: Callback) -> Iterator[None]:
    """Sync while the block runs, and once more at its end.

    If the server cannot be reached then either, what is missing is written when the same command runs again.
    """
    stop = threading.Event()

    def follow() -> None:
        while not stop.wait(_SECONDS):
            sync.sync()

    thread = threading.Thread(target=follow, daemon=True, name="mlflow-sync")
    with callback.doing("opening MLflow"):
        sync.sync()  # the database is made before any other process opens it
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        with callback.doing("bringing MLflow up to date"):
            is_up_to_date = sync.catch_up()
        if not is_up_to_date:
            print(
                f"MLflow at {mlflow.get_tracking_uri()} cannot be reached; run the same command again to log the rest"
            )
