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
from sfcmt.errors import OutageError
from sfcmt.tuning.mlflow_calls import MlflowCalls, TrackingError, open_experiment, place, tag_is
from sfcmt.tuning.tracker import IDENTITY, PARENT

_SECONDS = 2.0
_PATIENCE = 60.0


class MLflowSync(ABC):
    """Brings the MLflow experiment called `name` up to what a study knows."""

    def __init__(self, name: str) -> None:
        self._client = mlflow.MlflowClient()
        self._name = name
        self.problem: OutageError | None = None
        """Why the last sync did not come to its end."""

    @abstractmethod
    def _write(self) -> None:
        """Write what is missing; called again and again, by one thread at a time."""

    def sync(self) -> bool:
        """Write what is missing; whether all of it was."""
        try:
            with MlflowCalls(advice="run the same command again to log the rest"):
                self._write()
        except OutageError as error:
            self.problem = error
        else:
            self.problem = None
        return self.problem is None

    def catch_up(self) -> bool:
        """Sync, waiting a while for a server that does not answer; False if it did not come back, or refuses."""
        deadline = time.monotonic() + _PATIENCE
        while not (done := self.sync()) and self._may_pass() and time.monotonic() < deadline:
            time.sleep(_SECONDS)
        return done

    def status(self) -> str:
        """What is done, and what it waits for."""
        waits = f" (waits, {_PATIENCE:.0f} s at most: {self.problem})" if self.problem else ""
        return f"bringing MLflow at {place()} up to date{waits}"

    def _may_pass(self) -> bool:
        return isinstance(self.problem, TrackingError) and self.problem.may_pass

    def _open(self) -> None:
        """Make the experiment if there is none."""
        self._experiment_id = open_experiment(self._name)

    def _find(self, identity: str) -> Run | None:
        found = self._client.search_runs([self._experiment_id], tag_is(IDENTITY, identity))
        return found[0] if found else None

    def _create(self, name: str, identity: str, parent: str | None) -> Run:
        tags = {IDENTITY: identity} | ({PARENT: parent} if parent else {})
        return self._client.create_run(self._experiment_id, tags=tags, run_name=name)


@contextmanager
def synced(sync: MLflowSync, callback: Callback) -> Iterator[None]:
    """Sync while the block runs, from its beginning, and once more at its end.

    What fails at the end, too, is told, and written when the same command runs again.
    """
    stop = threading.Event()

    def follow() -> None:
        while True:
            sync.sync()
            if stop.wait(_SECONDS):
                return

    thread = threading.Thread(target=follow, daemon=True, name="mlflow-sync")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        with callback.doing(sync.status):
            thread.join()
            sync.catch_up()
        if sync.problem:
            print(sync.problem)
