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

from sfcmt.callbacks import Callback, Row
from sfcmt.data.dataset import Dataset
from sfcmt.errors import SfcmtError
from sfcmt.experiment import parse_experiment
from sfcmt.outputs import Outputs
from sfcmt.stages.stage import Stage
from sfcmt.stages.transfer import OUTPUTS, TransferStage
from sfcmt.store import Artifact, Store
from tuning.search.judge import Judge
from tuning.search.ray_bridge import FAILED, FINISHED, METRICS, NOTES, OBJECTIVES, STEP, TIME, VALUES
from tuning.search.space import apply_values
from tuning.search.spec import Objective


@dataclass(frozen=True)
class TrialContext:
    """What all trials of a search share, as plain values that can travel to any node."""

    experiment: dict[str, Any]
    folder: Path
    objective: Objective
    anchors: tuple[Path, ...]
    reports: bool
    """Whether each epoch is judged, for early stopping."""


def run_trial(config: dict[str, Any], context: TrialContext) -> None:
    """The function that Ray Tune runs."""
    torch.set_num_threads(1)
    try:
        tune.report(train_and_judge(config[VALUES], context))
    except SfcmtError as error:
        tune.report({FAILED: str(error)})


def train_and_judge(values: Mapping[str, Any], context: TrialContext) -> dict[str, Any]:
    """Obtain the trial's stages and return its objectives with notes on what was reused."""
    experiment = apply_values(parse_experiment(context.experiment), values)
    judge = Judge(context.objective, [Outputs.load(path / OUTPUTS) for path in context.anchors])
    listener = _Listener(judge, context.reports)
    stage = TransferStage(experiment, Dataset(context.folder), experiment.seed)
    artifact = Store(experiment.runtime.store_path).obtain(stage, experiment.runtime, listener)
    outputs = Outputs.load(artifact.path / OUTPUTS)
    found = {"transfer": stage.identity, "stages": listener.stages, "validators": judge.validations(outputs)}
    return {FINISHED: True, OBJECTIVES: judge(outputs), NOTES: json.dumps(found)}


class _Listener(Callback):
    """Reports each epoch, and notes which stages were found and what training them had cost."""

    def __init__(self, judge: Judge, reports: bool) -> None:
        self._judge, self._reports = judge, reports
        self.stages: dict[str, dict[str, Any]] = {}

    def epoch_ended(self, stage: Stage, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        """Report the epoch's losses; for early stopping also the objectives as of now, and all validators."""
        metrics = {f"{stage.kind}/{name}": value for name, value in row.items() if name != "epoch"}
        report = {
            STEP: int(row["epoch"]),
            TIME: time.time(),
            METRICS: metrics,
            NOTES: json.dumps({"stages": self.stages}),
        }
        if self._reports and stage.kind == "transfer" and (now := outputs()) is not None:
            metrics |= {f"validator/{name}": value for name, value in self._judge.validations(now).items()}
            report[OBJECTIVES] = self._judge(now)
        tune.report(report)

    def stage_ended(self, stage: Stage, artifact: Artifact) -> None:
        """Note a stage; one trained by this trial stays so when it is found again."""
        noted = {"kind": stage.kind, "reused": artifact.reused, "seconds": artifact.seconds}
        self.stages.setdefault(stage.identity, noted)
