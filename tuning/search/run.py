"""Running a study on Ray Tune. Crash-only: every way to die is survived by running the same command again."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Self

os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray
from ray import tune

from sfcmt.callbacks import Callback
from sfcmt.config import Runtime
from sfcmt.errors import ConfigError, Problem
from sfcmt.store import Store
from tuning.search.optuna_study import SearchError
from tuning.search.ray_bridge import PruningScheduler, StudySearcher
from tuning.search.spec import Resources
from tuning.search.spool import Spool
from tuning.search.study import REPORTS, Study
from tuning.search.trial import TrialContext, run_trial

PAUSED_EXIT_CODE = 75


class PausedError(BaseException):
    """A signal asked the search to pause. Not an `Exception`, so that nothing on the way up takes it for a failure."""


def run_study(study: Study, progress: Sequence[tune.Callback] = ()) -> dict[str, Any]:
    """Run all trials that are missing, then pick the winner. Raises `PausedError` on SIGTERM or Ctrl-C."""
    with _ray(), PauseOnSignals() as pause:  # in this order: Ray sets a handler of its own
        _check_resources(study.spec.resources)
        anchors = _train_anchors(study, pause)
        if not study.optuna.is_finished:
            _run_trials(study, anchors, [pause, Spool(study.folder / REPORTS, study.optuna.driver), *progress])
    return study.pick()


def _run_trials(study: Study, anchors: tuple[Path, ...], callbacks: list[tune.Callback]) -> None:
    resources, searcher = study.spec.resources, StudySearcher(study.optuna)
    context = TrialContext(
        experiment=study.experiment.model_dump(mode="json"),
        folder=study.dataset.folder.resolve(),
        objective=study.spec.objective,
        anchors=anchors,
        reports=study.spec.scheduler.chosen is not None,
    )
    tuner = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(run_trial, context=context), {"CPU": resources.cpus, "GPU": resources.gpus}
        ),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=PruningScheduler(study.optuna, searcher),
            num_samples=-1,  # the study says when it is enough
            max_concurrent_trials=resources.concurrent,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            storage_path=str((study.folder / "ray").resolve()),
            name=f"{os.getpid()}",
            verbose=0,
            callbacks=callbacks,
        ),
    )
    tuner.fit()
    if searcher.error:
        raise searcher.error


def _train_anchors(study: Study, pause: PauseOnSignals) -> tuple[Path, ...]:
    """Obtain the methods that are always in the pool, as Ray tasks; those that exist cost nothing."""
    resources = study.spec.resources
    obtain = ray.remote(num_cpus=resources.cpus, num_gpus=resources.gpus, max_retries=0)(_obtain)
    shared = [(stage.experiment.model_dump(mode="json"), study.dataset.folder.resolve()) for stage in study.anchors]
    try:
        tasks = [obtain.remote(*arguments) for arguments in shared]
        while len(ray.wait(tasks, num_returns=len(tasks), timeout=0.5)[0]) < len(tasks):
            pause.check()
        return tuple(ray.get(tasks))
    except ray.exceptions.RayTaskError as error:
        raise SearchError(f"an anchor could not be trained: {error.cause}") from error


def _obtain(experiment: dict[str, Any], folder: Path) -> Path:
    import torch

    from sfcmt.data.dataset import Dataset
    from sfcmt.experiment import parse_experiment
    from sfcmt.stages.transfer import TransferStage

    torch.set_num_threads(1)
    parsed = parse_experiment(experiment)
    stage = TransferStage(parsed, Dataset(folder), parsed.seed)
    runtime: Runtime = parsed.runtime
    return Store(runtime.store_path).obtain(stage, runtime, Callback()).path.resolve()


def _check_resources(resources: Resources) -> None:
    have = ray.cluster_resources()
    asked = {"CPU": resources.cpus, "GPU": resources.gpus}
    problems = [
        Problem(f"resources.{name.lower()}s", amount, f"at most {have.get(name, 0):g}: the cluster has no more")
        for name, amount in asked.items()
        if amount > have.get(name, 0)
    ]
    if problems:
        raise ConfigError(problems)


@contextmanager
def _ray() -> Iterator[None]:
    """A connection to the cluster that RAY_ADDRESS names, or a cluster of this machine's own."""
    ray.init(logging_level=logging.ERROR, log_to_driver=False)
    try:
        yield
    finally:
        ray.shutdown()


class PauseOnSignals(tune.Callback):  # type: ignore[misc]
    """Context in which the first SIGTERM or Ctrl-C asks for a pause, and a second one ends the process at once.

    The pause comes between two steps of Ray Tune's loop: an exception raised by the handler itself could come anywhere.
    """

    def __init__(self) -> None:
        self._asked = False

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGTERM, signal.SIGINT)}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __getstate__(self) -> dict[str, object]:
        """Nothing: Ray Tune pickles its callbacks for a restore of its own, which is never used."""
        return {}

    def check(self) -> None:
        """Raise `PausedError` if a pause was asked for."""
        if self._asked:
            raise PausedError

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Check before each step of the loop."""
        self.check()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            os._exit(128 + number)
        self._asked = True
