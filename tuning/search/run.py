"""Running a study on Ray Tune. Crash-only: every way to die is survived by running the same command again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Self

os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", "1")
os.environ.setdefault("TUNE_DISABLE_SIGINT_HANDLER", "1")

import ray
from optuna.exceptions import StorageInternalError
from ray import tune

from sfcmt.callbacks import Callback
from sfcmt.clusters.session import on_cluster, places, ray_session
from sfcmt.clusters.shared_storage import refuse_unshared_store
from sfcmt.clusters.tasks import train_on_cluster
from sfcmt.config import Runtime
from sfcmt.errors import ConfigError, Problem, SfcmtError
from sfcmt.recipes import transfer_recipe
from sfcmt.stages.dry_run import dry_run
from sfcmt.tuning.pausing import PausedError
from sfcmt.tuning.search.group_trial import GroupTrial
from sfcmt.tuning.search.optuna_study import OptunaStudy, SearchError
from sfcmt.tuning.search.ray_bridge import PruningScheduler, StudySearcher
from sfcmt.tuning.search.report_log import ReportLog
from sfcmt.tuning.search.restoring import restore_weights
from sfcmt.tuning.search.retainer import Retainer, told_only
from sfcmt.tuning.search.retention import retain
from sfcmt.tuning.search.spec import Resources
from sfcmt.tuning.search.study import Study
from sfcmt.tuning.search.study_folder import REPORTS, SELECTION
from sfcmt.tuning.search.study_storage import storage_errors
from sfcmt.tuning.search.trial import TrialContext, run_trial
from sfcmt.tuning.search.watching import watched

_RETRIES = 3
"""Of a trial whose process or node died: it goes on from the last epoch."""
_MEMORY = 2**28
"""Bytes that a trial takes whose workers take the rest."""


def run_study(study: Study, callback: Callback) -> dict[str, Any]:
    """Run all trials that are missing, then pick the winner. Raises `PausedError` on SIGTERM or Ctrl-C."""
    with storage_errors(study.spec.storage), study.driving():
        if not (study.optuna.is_finished and all(map(study.store.find, study.prerequisites))):
            _run_missing(study, callback)
        selection = study.choose()
        restore_weights(study, selection, callback)
        study.write(SELECTION, selection)
        with told_only():
            retain(study)
        return selection


def _run_missing(study: Study, callback: Callback) -> None:
    dry_run(
        [*study.prerequisites, transfer_recipe(study.experiment, study.dataset, study.experiment.seed)], study.store
    )
    with ray_session(callback), PauseOnSignals() as pause:  # in this order: Ray sets a handler of its own
        _check_resources(study.spec.resources)
        refuse_unshared_store(study.experiment.runtime.store)
        with callback.doing(f"anchors: {', '.join(study.spec.anchors)}"):
            _train_anchors(study, callback, pause)
        if not study.optuna.is_finished:
            report_log = ReportLog(study.folder / REPORTS, study.optuna.driver)
            with watched(study, callback) as lines:
                _run_trials(study, [pause, report_log, lines, Retainer(study)])


def _run_trials(study: Study, callbacks: list[tune.Callback]) -> None:
    context = TrialContext(
        study=study.folder.name,
        experiment=study.experiment.model_dump(mode="json"),
        folder=study.dataset.folder.resolve(),
        objective=study.spec.objective,
        anchors=tuple(stage.identity for stage in study.anchors),
        reports=study.spec.scheduler.chosen is not None,
        few_labels=study.record.few_labels,
    )
    trial = run_trial if study.spec.resources.workers == 1 else GroupTrial
    drive(
        tune.with_parameters(trial, context=context),
        study.optuna,
        study.spec.resources,
        study.folder / "ray",
        callbacks,
    )


def drive(
    trainable: Callable[[dict[str, Any]], None] | type[tune.Trainable],
    study: OptunaStudy,
    resources: Resources,
    folder: Path,
    callbacks: list[tune.Callback],
) -> None:
    """Run a function for every trial that the study still asks for. Raises `SearchError` if one breaks the contract."""
    searcher = StudySearcher(study)
    is_group = resources.workers != 1
    taken = {"memory": _MEMORY} if is_group else {"CPU": resources.cpus, "GPU": resources.gpus}
    at_once = max(1, places(resources.applied_to(Runtime()))) if is_group else None
    tuner = tune.Tuner(
        tune.with_resources(trainable, taken),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=PruningScheduler(study, searcher),
            num_samples=-1,  # the study says when it is enough
            max_concurrent_trials=resources.concurrent or at_once,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            storage_path=str(folder.resolve()),
            name=f"{os.getpid()}",
            verbose=0,
            callbacks=callbacks,
            failure_config=tune.FailureConfig(max_failures=_RETRIES),
        ),
    )
    try:
        tuner.fit()
    except tune.TuneError as error:
        raise _cause(error) from error
    if found := searcher.error or searcher.outage:
        raise found


def _cause(error: BaseException) -> BaseException:
    """What a callback raised: Ray Tune has made a text of its traceback."""
    inner: BaseException | None = error
    while inner is not None and not isinstance(inner, (SfcmtError, OSError, StorageInternalError)):
        inner = inner.__cause__ or inner.__context__
    return inner or error


def _train_anchors(study: Study, callback: Callback, pause: PauseOnSignals) -> None:
    """Obtain the methods that are always in the pool; those that exist cost nothing."""
    runtime, jobs = study.experiment.runtime, study.spec.resources.concurrent
    try:
        train_on_cluster(study.prerequisites, runtime, study.store, callback, jobs, pause.check)
    except SfcmtError as error:
        raise SearchError(f"an anchor could not be trained: {error}") from error


def _check_resources(resources: Resources) -> None:
    """Refuse what this machine has not. A cluster may have an autoscaler, so of what is not there it is only told."""
    problems = list(_resource_problems(resources))
    if problems and not on_cluster():
        raise ConfigError(problems)
    for problem in problems:
        print(f"waiting until the cluster has it: {problem}", flush=True)


def _resource_problems(resources: Resources) -> Iterator[Problem]:
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for name, amount in (("CPU", resources.cpus), ("GPU", resources.gpus)):
        most = max(node.get(name, 0) for node in nodes)
        if amount > most:
            yield Problem(f"resources.{name.lower()}s", amount, f"at most {most:g}: no node of the cluster has more")
    if resources.workers != 1 and places(resources.applied_to(Runtime())) < 1:
        yield Problem("resources.workers", resources.workers, "as many as the nodes of the cluster hold")


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
