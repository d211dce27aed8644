"""The mirror of a search in MLflow: a parent run, and a child for each trial.

All that it writes is in the Optuna study and in the report_log of reports.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict
from contextlib import nullcontext
from typing import Any

import mlflow
from filelock import FileLock
from mlflow.entities import Metric
from optuna.trial import FrozenTrial, TrialState

from sfcmt.models.target_model import TargetModel
from sfcmt.tuning.mlflow_calls import MlflowCalls, active_run, log_missing_params
from sfcmt.tuning.mlflow_sync import MLflowSync
from sfcmt.tuning.search.distilling import DISTILLED
from sfcmt.tuning.search.report_log import ReportLogReader
from sfcmt.tuning.search.study import Study
from sfcmt.tuning.search.study_folder import REPORTS, SELECTION
from sfcmt.tuning.tracker import log_datasets, log_metrics, log_model

_TRIALS = "sfcmt.trials"
_STATUS = {TrialState.COMPLETE: "FINISHED", TrialState.PRUNED: "KILLED", TrialState.FAIL: "FAILED"}


class SearchSync(MLflowSync):
    """Brings MLflow up to what the study knows."""

    def __init__(self, study: Study) -> None:
        super().__init__(study.name)
        self._study = study
        self._objective = f"objective/{study.spec.objective.names[0]}"
        self._runs: dict[int, str] = {}
        self._steps: dict[int, int] = {}
        self._ended: set[int] = set()
        self._parent: str | None = None
        self._report_log = ReportLogReader(study.folder / REPORTS)
        self._unwritten: defaultdict[int, list[Metric]] = defaultdict(list)

    def _write(self) -> None:
        is_kept = os.access(self._study.folder, os.W_OK)  # if not, nobody drives it
        with FileLock(self._study.folder / "mlflow.lock") if is_kept else nullcontext():  # no run is made twice
            self._write_alone()

    def _write_alone(self) -> None:
        parent = self._parent_run()
        trials = list(self._study.trials)
        for number, step, seconds, metrics in self._report_log.new():
            self._unwritten[number] += [
                Metric(name, value, int(seconds * 1000), step) for name, value in metrics.items()
            ]
        for trial in trials:
            if trial.number not in self._ended or trial.number in self._unwritten:
                self._write_trial(trial, parent)
        if (self._study.folder / SELECTION).is_file():
            self._write_selection(parent)
        if distilled := self._study.distilled():
            self._write_distilled(parent, distilled)

    def write_oracles(self, scores: dict[str, Any]) -> None:
        """Write what the labels say of each completed trial and of the validators, under names that say so."""
        parent, now = self._parent_run(), int(time.time() * 1000)
        regrets = {f"oracle/regret/{name}": found["regret"] for name, found in scores["validators"].items()}
        own = {f"oracle/{name}": scores[name] for name in ("regret", "worst_regret", "cross_fitted_regret")}
        by_run = {parent: {name: value for name, value in own.items() if value is not None} | regrets}
        for number, run_id in self._runs.items():
            if str(number) in scores["oracle_accuracy"]:
                by_run[run_id] = {
                    name.replace("_", "/", 1): values[str(number)]
                    for name, values in scores.items()
                    if name.startswith("oracle_")
                }
        for run_id, values in by_run.items():
            log_metrics(self._client, run_id, [Metric(name, value, now, 0) for name, value in values.items()])

    def _parent_run(self) -> str:
        if self._parent is None:
            self._open()
            run = self._find(self._study.identity) or self._create(self._study.name, self._study.identity, None)
            self._parent = run.info.run_id
        return self._parent

    def _write_trial(self, trial: FrozenTrial, parent: str) -> None:
        if trial.number not in self._runs:
            self._adopt(trial, parent)
        run_id = self._runs[trial.number]
        new = {step: value for step, value in trial.intermediate_values.items() if step > self._steps[trial.number]}
        now = int(time.time() * 1000)
        metrics = [Metric(self._objective, value, now, step) for step, value in sorted(new.items())]
        metrics += self._unwritten[trial.number]
        if trial.state.is_finished() and trial.number not in self._ended:
            metrics += self._final_metrics(trial)
        log_metrics(self._client, run_id, metrics)
        del self._unwritten[trial.number]
        self._steps[trial.number] = max([self._steps[trial.number], *new])
        if trial.state.is_finished() and trial.number not in self._ended:
            for key in ("transfer", "reason"):
                if key in trial.user_attrs:
                    self._client.set_tag(run_id, f"sfcmt.{key}", trial.user_attrs[key])
            self._client.set_terminated(run_id, _STATUS[trial.state])
            self._ended.add(trial.number)

    def _adopt(self, trial: FrozenTrial, parent: str) -> None:
        """Find the trial's run, with what it holds already, or make it."""
        identity = f"{self._study.identity}-{trial.number}"
        run = self._find(identity)
        if run is None:
            run = self._create(f"trial {trial.number}", identity, parent)
        log_missing_params(self._client, run, trial.user_attrs.get("values", {}))  # its maker may have died before
        history = self._client.get_metric_history(run.info.run_id, self._objective)
        self._runs[trial.number] = run.info.run_id
        self._steps[trial.number] = max((metric.step for metric in history), default=0)
        if run.info.status in _STATUS.values():
            self._ended.add(trial.number)

    def _write_selection(self, parent: str) -> None:
        """The winner: tagged on the parent, its model logged once; again when the study was extended."""
        run, selection = self._client.get_run(parent), self._study.selection()
        trials = str(selection["trials"])
        if run.info.status == "FINISHED" and run.data.tags.get(_TRIALS) == trials:
            return
        winner = self._study.trials[selection["winner"]]
        with active_run(self._experiment_id, parent):
            chosen = {"sfcmt.winner": str(winner.number), "sfcmt.transfer": selection["transfer"]}
            chosen |= {"sfcmt.pick": f"{selection['pick']}, {self._study.record.chosen}"}
            mlflow.set_tags(chosen | {_TRIALS: trials})
            mlflow.log_dict(selection, "selection.json")
            log_datasets(self._study.dataset)
            log_model(TargetModel.load(self._study.artifact(winner)), self._study.dataset, final_values(winner))

    def _write_distilled(self, parent: str, distilled: dict[str, Any]) -> None:
        """The model of the pool: a run of its own, once for each pool."""
        identity = f"{self._study.identity}-{distilled['transfer']}"
        run = self._find(identity) or self._create(DISTILLED, identity, parent)
        if run.info.status == "FINISHED":
            return
        with active_run(self._experiment_id, run.info.run_id):
            mlflow.set_tag("sfcmt.transfer", distilled["transfer"])
            mlflow.log_dict(distilled, "distilled.json")
            log_datasets(self._study.dataset)
            model = TargetModel.load(self._study.transfer(distilled["transfer"]))
            log_model(model, self._study.dataset, distilled["validators"])

    def _final_metrics(self, trial: FrozenTrial) -> list[Metric]:
        assert trial.datetime_complete is not None, "it has ended"
        ended = int(trial.datetime_complete.timestamp() * 1000)
        values = dict(
            zip(self._study.spec.objective.names, trial.values or (), strict=False)
        )  # none unless it completed
        seconds = sum(stage["seconds"] for stage in trial.user_attrs.get("stages", {}).values() if not stage["reused"])
        final = {f"final/{name}": value for name, value in (final_values(trial) | values).items()}
        return [Metric(name, value, ended, 0) for name, value in (final | {"seconds": seconds}).items()]


def final_values(trial: FrozenTrial) -> dict[str, float]:
    """What the validators say of a trial's final model."""
    return dict(trial.user_attrs.get("validators", {}))


def log_scores(study: Study, scores: dict[str, Any]) -> None:
    """Write the oracle metrics of a scored study to its runs. Raises `TrackingError`."""
    sync = SearchSync(study)
    with MlflowCalls():
        sync._write()
        sync.write_oracles(scores)
