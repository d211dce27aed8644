"""One trial: the experiment with suggested values, trained through the store, judged by the objective."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from ray import tune

from sfcmt.artifact import Artifact, Row
from sfcmt.callbacks import Callback
from sfcmt.clusters.giving_way import GivesWayError, gives_way
from sfcmt.config import Runtime
from sfcmt.errors import OutageError, SfcmtError
from sfcmt.experiment import parse_experiment
from sfcmt.few_labels import FewLabels
from sfcmt.outputs import Outputs
from sfcmt.recipe import Recipe
from sfcmt.recipes import TRANSFER, transfer_recipe
from sfcmt.stages.dry_run import dry_run
from sfcmt.store import Store, Trainer
from sfcmt.task import open_task_elsewhere
from sfcmt.tuning.search.judge import Judge
from sfcmt.tuning.search.ray_bridge import (
    AT,
    FAILED,
    FINISHED,
    LAST,
    METRICS,
    NOTES,
    NUMBER,
    OBJECTIVES,
    OUTAGE,
    STEP,
    TIME,
    VALUES,
    WAITS,
)
from sfcmt.tuning.search.space import apply_values
from sfcmt.tuning.search.spec import Objective
from sfcmt.uses import trial_user
from sfcmt.workspace import train_here

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class TrialContext:
    """What all trials of a search share, as plain values that can travel to any node."""

    study: str
    """The name of the study's folder."""
    experiment: dict[str, Any]
    folder: Path
    objective: Objective
    anchors: tuple[str, ...]
    """Identities of the transfers that are always in the pool."""
    reports: bool
    """Whether each epoch is judged, for early stopping."""
    few_labels: FewLabels | None = None


def run_trial(config: dict[str, Any], context: TrialContext) -> None:
    """The function that Ray Tune runs."""
    torch.set_num_threads(parse_experiment(context.experiment).runtime.worker_threads)
    try:
        tune.report(train_and_judge(config, context, tune.report, train_here))
    except SfcmtError as error:
        tune.report(failed(error))


def failed(error: SfcmtError) -> dict[str, Any]:
    """What a trial reports at last that was not trained: it has failed, or can be tried again later, or soon."""
    if isinstance(error, GivesWayError):
        return {WAITS: str(error)}
    return {OUTAGE if isinstance(error, OutageError) else FAILED: str(error)}


def train_and_judge(
    config: Mapping[str, Any], context: TrialContext, report: Report, trainer: Trainer
) -> dict[str, Any]:
    """Obtain the trial's stages, reporting each epoch; its objectives, with notes on what was reused."""
    experiment = apply_values(parse_experiment(context.experiment), config[VALUES])
    store = Store(experiment.runtime.store, trainer, trial_user(context.study, config[NUMBER]))
    judge = Judge(context.objective, [_anchor(identity, store) for identity in context.anchors], context.few_labels)
    dataset = open_task_elsewhere(experiment, context.folder, store.root)
    recipe = transfer_recipe(experiment, dataset, experiment.seed)
    listener = _Listener(recipe, judge, report, context.reports, experiment.runtime)
    dry_run([recipe], store)  # of searched sizes and batches, some may not fit
    artifact = store.get_or_train(recipe, experiment.runtime, listener)
    validations = judge.validations(Outputs.load(artifact.path))
    found = {"transfer": recipe.identity, "stages": listener.stages, "validators": validations}
    return {FINISHED: True, OBJECTIVES: judge.objectives(validations), NOTES: json.dumps(found)}


def _anchor(identity: str, store: Store) -> Outputs:
    artifact = store.open(TRANSFER, identity)
    assert artifact is not None, "the search has obtained it"
    return Outputs.load(artifact.path)


class _Listener(Callback):
    """Reports each epoch, and what the trial is at; notes which stages were found and what training them had cost."""

    def __init__(self, own: Recipe, judge: Judge, report: Report, judges_epochs: bool, runtime: Runtime) -> None:
        self._runtime = runtime
        self._own, self._judge, self._report, self._judges_epochs = own, judge, report, judges_epochs
        self.stages: dict[str, dict[str, Any]] = {}
        self._epochs = 1

    def stage_waits(self, recipe: Recipe, reason: str) -> None:
        """Report it, and give way."""
        self._report({AT: f"{self._role(recipe)} waits {reason}"})
        gives_way(self._runtime, self._role(recipe), reason)

    def stage_opened(self, recipe: Recipe) -> None:
        """Report it."""
        self._report({AT: self._role(recipe)})

    def stage_started(self, recipe: Recipe, epochs: int) -> None:
        """Remember the number of epochs."""
        self._epochs = epochs

    def epoch_ended(self, recipe: Recipe, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        """Report the epoch's losses; for early stopping also the objectives as of now, and what they are made of."""
        metrics = {f"{self._role(recipe)}/{name}": value for name, value in row.items() if name != "epoch"}
        report = {
            STEP: int(row["epoch"]),
            AT: f"{self._role(recipe)} epoch {min(int(row['epoch']) + 1, self._epochs)}/{self._epochs}",
            TIME: time.time(),
            METRICS: metrics,
            NOTES: json.dumps({"stages": self.stages}),
        }
        if self._judges_epochs and self._is_own(recipe) and (now := outputs()) is not None:
            validations = self._judge.validations(now)
            metrics |= {f"validator/{name}": value for name, value in validations.items()}
            report |= {OBJECTIVES: self._judge.objectives(validations), LAST: row["epoch"] == self._epochs}
        self._report(report)

    def stage_ended(self, recipe: Recipe, artifact: Artifact) -> None:
        """Note a stage; one trained by this trial stays so when it is found again."""
        noted = {"kind": self._role(recipe), "reused": artifact.reused, "seconds": artifact.seconds}
        self.stages.setdefault(recipe.identity, noted)

    def _is_own(self, recipe: Recipe) -> bool:
        return recipe.identity == self._own.identity

    def _role(self, recipe: Recipe) -> str:
        """What a stage is to the trial: a transfer may start from one of another method."""
        return recipe.kind if self._is_own(recipe) else recipe.name
