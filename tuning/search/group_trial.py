"""Trials whose stages are trained by groups of workers.

A group takes seconds to start, so the actor of a trial keeps its group for the next trial. A trial is stopped between
two epochs, and an actor ends after its group has: nothing that the group held is left behind.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

from ray import tune
from ray.tune.result import DONE

from sfcmt.clusters.train import RayTrain
from sfcmt.errors import SfcmtError
from sfcmt.tuning.search.trial import Report, TrialContext, failed, train_and_judge

Result = dict[str, Any]
_PATIENCE = 60.0


class GroupTrial(tune.Trainable):  # type: ignore[misc]
    """What `run_trial` is for one worker, in steps from report to report."""

    def setup(self, config: dict[str, Any], context: TrialContext) -> None:
        """Make ready for the first trial."""
        self._context, self._trainer = context, RayTrain(wants_outputs=context.reports)
        self._steps = Steps(self._work)

    def step(self) -> Result:
        """Go on until the next report."""
        return self._steps.next()

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Leave the trial for another."""
        self._steps.stop()
        self._steps = Steps(self._work)
        return True

    def cleanup(self) -> None:
        """Leave the trial and end the group."""
        self._steps.stop()
        self._trainer.close()

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing to save: a stage's folder holds its state."""

    def load_checkpoint(self, checkpoint: object) -> None:
        """Nothing to load."""

    def _work(self, report: Report) -> Result:
        try:
            return train_and_judge(self.config, self._context, report, self._trainer) | {DONE: True}
        except SfcmtError as error:
            return failed(error) | {DONE: True}


class Steps:
    """Runs a function in a thread of its own, in steps: from one of its reports to the next, and to its result."""

    def __init__(self, work: Callable[[Report], Result]) -> None:
        self._work = work
        self._goes_on: SimpleQueue[bool] = SimpleQueue()
        self._results: SimpleQueue[Result | BaseException] = SimpleQueue()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def next(self) -> Result:
        """The next report, or the result. Raises what the function does."""
        self._goes_on.put(True)
        result = self._results.get()
        if isinstance(result, BaseException):
            raise result
        return result

    def stop(self) -> None:
        """Have the report that the function waits in raise, and wait for the function's end."""
        self._goes_on.put(False)
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        try:
            self._wait()
            self._results.put(self._work(self._report))
        except BaseException as error:
            self._results.put(error)

    def _report(self, result: Result) -> None:
        self._results.put(result)
        self._wait()

    def _wait(self) -> None:
        if not self._goes_on.get():
            raise _StoppedError


class _StoppedError(Exception):
    """The trial is over."""
