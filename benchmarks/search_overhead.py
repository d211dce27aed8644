"""What a search costs beside its trials: a report against Ray's own MLflow callback, and a trial against a plain Tuner.

    python -m benchmarks.search_overhead --trials 200 --reports 100

Both sides of a ratio are measured in this process. Reports: both callbacks hear the same 25 metrics of the same trial.
Trials: functions that report once and return, run by reused actors, suggested at random; so many that the seconds in
which Ray waits for the actors of either side at the end tell little.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import ray
import typer
from ray import tune
from ray.air.integrations.mlflow import MLflowLoggerCallback

from sfcmt.tuning.search.optuna_study import OptunaStudy
from sfcmt.tuning.search.ray_bridge import FINISHED, METRICS, NOTES, NUMBER, OBJECTIVES, STEP, TIME
from sfcmt.tuning.search.report_log import ReportLog
from sfcmt.tuning.search.run import drive
from sfcmt.tuning.search.space import Distribution
from sfcmt.tuning.search.spec import Resources, Scheduler, Search

_METRICS = 25
_NAME = "x"


class Timed(tune.Callback):  # type: ignore[misc]
    """Passes everything on to another callback, and sums the time that its hearing of results takes."""

    def __init__(self, inner: tune.Callback) -> None:
        self._inner, self.seconds, self.reports = inner, 0.0, 0

    def __getstate__(self) -> dict[str, object]:
        return {}

    def setup(self, **info: Any) -> None:
        self._inner.setup(**info)

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._inner.on_trial_start(iteration, trials, trial, **info)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        start = time.perf_counter()
        self._inner.on_trial_result(iteration, trials, trial, result, **info)
        self.seconds += time.perf_counter() - start
        self.reports += 1

    @property
    def milliseconds(self) -> float:
        """Of the driver's loop, a report."""
        return 1000 * self.seconds / self.reports


def reporting(config: dict[str, Any]) -> None:
    """A trial of many epochs."""
    for step in range(config["reports"]):
        metrics = {f"validator/{index}": index + step / 7 for index in range(_METRICS)}
        tune.report({STEP: step, TIME: time.time(), METRICS: metrics})


def no_op(config: dict[str, Any]) -> None:
    """A trial that does nothing."""
    tune.report({FINISHED: True, OBJECTIVES: [0.0], NOTES: "{}"})


def compare_reports(folder: Path, reports: int) -> tuple[float, float]:
    """Milliseconds a report: the report_log's, and those of Ray's MLflow callback."""
    theirs = Timed(MLflowLoggerCallback(tracking_uri=f"sqlite:///{folder}/mlflow.db", experiment_name="reports"))
    ours = Timed(ReportLog(folder / "reports", "driver"))
    run_config = tune.RunConfig(storage_path=str(folder / "ray"), verbose=0, callbacks=[ours, theirs])
    tune.Tuner(reporting, param_space={NUMBER: 0, "reports": reports}, run_config=run_config).fit()
    return ours.milliseconds, theirs.milliseconds


def plain_trials(folder: Path, trials: int) -> None:
    """A plain loop over random suggestions."""
    tuner = tune.Tuner(
        tune.with_resources(no_op, {"CPU": 1}),
        param_space={_NAME: tune.uniform(0, 1)},
        tune_config=tune.TuneConfig(num_samples=trials, reuse_actors=True),
        run_config=tune.RunConfig(storage_path=str(folder / "plain"), verbose=0),
    )
    tuner.fit()


def our_trials(folder: Path, trials: int) -> None:
    """The same through an Optuna study in a journal file."""
    space = {_NAME: Distribution(uniform=(0, 1))}
    search = Search(sampler="random", trials=trials)
    study = OptunaStudy(folder / "study", "no-op", space, search, Scheduler(), 1)
    drive(no_op, study, Resources(), folder / "ours", [ReportLog(folder / "report_log", study.driver)])


def compare_trials(folder: Path, trials: int) -> tuple[float, float]:
    """Seconds a trial, ours and of the plain loop: the best of three runs of each, in turns."""
    seconds: dict[Callable[[Path, int], None], list[float]] = {our_trials: [], plain_trials: []}
    for turn in range(3):
        for work, found in seconds.items():
            start = time.perf_counter()
            work(folder / f"trials{turn}", trials)
            found.append((time.perf_counter() - start) / trials)
    return min(seconds[our_trials]), min(seconds[plain_trials])


def main(trials: Annotated[int, typer.Option(min=8)] = 200, reports: Annotated[int, typer.Option(min=1)] = 100) -> None:
    ray.init(logging_level=logging.ERROR, log_to_driver=False)
    with tempfile.TemporaryDirectory() as name:
        ours, theirs = compare_reports(Path(name), reports)
        print(f"a report of {_METRICS} metrics: ours {ours:.3f} ms, Ray's MLflow callback {theirs:.1f} ms")
        print(f"  ratio {theirs / ours:.0f}")
        ours, plain = compare_trials(Path(name), trials)
        print(f"a trial that does nothing: ours {1000 * ours:.0f} ms, a plain Tuner {1000 * plain:.0f} ms")
        print(f"  ratio {ours / plain:.2f}")


if __name__ == "__main__":
    typer.run(main)
