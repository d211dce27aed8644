"""One trial: the experiment with suggested values, trained through the store, judged without labels."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from ray import tune

from clusters.locks import RayLock
from sfcmt.callbacks import Callback, Row
from sfcmt.data.opening import open_elsewhere
from sfcmt.errors import SfcmtError
from sfcmt.experiment import parse_experiment
from sfcmt.outputs import OUTPUTS, Outputs
from sfcmt.stages.stage import Stage
from sfcmt.stages.transfer import TransferStage
from sfcmt.store import Artifact, Store, Trainer, train_here
from tuning.search.judge import Judge
from tuning.search.ray_bridge import AT, FAILED, FINISHED, METRICS, NOTES, OBJECTIVES, STEP, TIME, VALUES
from tuning.search.space import apply_values
from tuning.search.spec import Objective

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class TrialContext:
    """What all trials of a search share, as plain values that can travel to any node."""

    experiment: dict[str, Any]
    folder: Path
    objective: Objective
    anchors: tuple[str, ...]
    """Identities of the transfers that are always in the pool."""
    reports: bool
    """Whether each epoch is judged, for early stopping."""


def run_trial(config: dict[str, Any], context: TrialContext) -> None:
    """The function that Ray Tune runs."""
    torch.set_num_threads(1)
    try:
        tune.report(train_and_judge(config[VALUES], context, tune.report, train_here))
    except SfcmtError as error:
        tune.report({FAILED: str(error)})


def train_and_judge(
    values: Mapping[str, Any], context: TrialContext, report: Report, trainer: Trainer
) -> dict[str, Any]:
    """Obtain the trial's stages, reporting each epoch; its objectives, with notes on what was reused."""
    experiment = apply_values(parse_experiment(context.experiment), values)
    store = Store(experiment.runtime.store, trainer, RayLock)
    judge = Judge(context.objective, [_anchor(identity, store) for identity in context.anchors])
    dataset = open_elsewhere(experiment.data, context.folder, store.root)
    stage = TransferStage(experiment, dataset, experiment.seed)
    listener = _Listener(stage, judge, report, context.reports)
    artifact = store.obtain(stage, experiment.runtime, listener)
    outputs = Outputs.load(artifact.path / OUTPUTS)
    found = {"transfer": stage.identity, "stages": listener.stages, "validators": judge.validations(outputs)}
    return {FINISHED: True, OBJECTIVES: judge(outputs), NOTES: json.dumps(found)}


def _anchor(identity: str, store: Store) -> Outputs:
    artifact = store.open(TransferStage.kind, identity)
    assert artifact is not None, "the search has obtained it"
    return Outputs.load(artifact.path / OUTPUTS)


class _Listener(Callback):
    """Reports each epoch, and what the trial is at; notes which stages were found and what training them had cost."""

    def __init__(self, own: Stage, judge: Judge, report: Report, judges_epochs: bool) -> None:
        self._own, self._judge, self._report, self._judges_epochs = own, judge, report, judges_epochs
        self.stages: dict[str, dict[str, Any]] = {}
        self._epochs = 1

    def stage_waits(self, stage: Stage, reason: str) -> None:
        """Report it."""
        self._report({AT: f"{self._role(stage)} waits {reason}"})

    def stage_opened(self, stage: Stage) -> None:
        """Report it."""
        self._report({AT: self._role(stage)})

    def stage_started(self, stage: Stage, epochs: int) -> None:
        """Remember the number of epochs."""
        self._epochs = epochs

    def epoch_ended(self, stage: Stage, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        """Report the epoch's losses; for early stopping also the objectives as of now, and all validators."""
        metrics = {f"{self._role(stage)}/{name}": value for name, value in row.items() if name != "epoch"}
        report = {
            STEP: int(row["epoch"]),
            AT: f"{self._role(stage)} epoch {min(int(row['epoch']) + 1, self._epochs)}/{self._epochs}",
            TIME: time.time(),
            METRICS: metrics,
            NOTES: json.dumps({"stages": self.stages}),
        }
        if self._judges_epochs and self._is_own(stage) and (now := outputs()) is not None:
            metrics |= {f"validator/{name}": value for name, value in self._judge.validations(now).items()}
            report[OBJECTIVES] = self._judge(now)
        self._report(report)

    def stage_ended(self, stage: Stage, artifact: Artifact) -> None:
        """Note a stage; one trained by this trial stays so when it is found again."""
        noted = {"kind": self._role(stage), "reused": artifact.reused, "seconds": artifact.seconds}
        self.stages.setdefault(stage.identity, noted)

    def _is_own(self, stage: Stage) -> bool:
        return stage.identity == self._own.identity

    def _role(self, stage: Stage) -> str:
        """What a stage is to the trial: a transfer may start from one of another method."""
        return stage.kind if self._is_own(stage) else stage.name
