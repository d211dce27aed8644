"""One trial: the experiment with suggested values, trained through the store, judged without labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
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
from sfcmt.validators import VALIDATORS
from tuning.search.ray_bridge import FAILED, FINISHED, NOTES, OBJECTIVES, STEP, VALUES
from tuning.search.space import apply_values
from tuning.search.spec import ANCHOR_AGREEMENT


@dataclass(frozen=True)
class TrialContext:
    """What all trials of a search share, as plain values that can travel to any node."""

    experiment: dict[str, Any]
    folder: Path
    objectives: tuple[str, ...]
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
    judge = Judge(context.objectives, [Outputs.load(path / OUTPUTS) for path in context.anchors])
    listener = _Listener(judge, context.reports)
    stage = TransferStage(experiment, Dataset(context.folder), experiment.seed)
    artifact = Store(experiment.runtime.store_path).obtain(stage, experiment.runtime, listener)
    outputs = Outputs.load(artifact.path / OUTPUTS)
    notes = {
        "transfer": stage.identity,
        "stages": listener.stages,
        "validators": {name: validator(outputs) for name, validator in VALIDATORS.items()},
    }
    return {FINISHED: True, OBJECTIVES: judge(outputs), NOTES: json.dumps(notes)}


class Judge:
    """The objectives of outputs: validators, and agreement with what the anchors say together.

    anchor_agreement = mean_i 1[argmax p_i = argmax mean_a p_ai], a over the anchors: EnsV (Hu et al. 2023) with a
    reference that does not move while the search goes on.
    """

    def __init__(self, names: Sequence[str], anchors: Sequence[Outputs]) -> None:
        self._names = names
        self._reference_N = (
            torch.stack([anchor.target_logits.double().softmax(dim=1) for anchor in anchors]).mean(dim=0).argmax(dim=1)
            if anchors
            else torch.empty(0)
        )

    def __call__(self, outputs: Outputs) -> list[float]:
        """One value for each objective; higher is better."""
        return [
            self._agreement(outputs) if name == ANCHOR_AGREEMENT else VALIDATORS[name](outputs) for name in self._names
        ]

    def _agreement(self, outputs: Outputs) -> float:
        return (outputs.target_logits.argmax(dim=1) == self._reference_N).double().mean().item()


class _Listener(Callback):
    """Reports each epoch of the transfer, and notes which stages were found and what training them had cost."""

    def __init__(self, judge: Judge, reports: bool) -> None:
        self._judge, self._reports = judge, reports
        self.stages: dict[str, dict[str, Any]] = {}

    def epoch_ended(self, stage: Stage, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        """Report the objectives as of now."""
        if self._reports and stage.kind == "transfer" and (now := outputs()) is not None:
            tune.report({STEP: int(row["epoch"]), OBJECTIVES: self._judge(now)})

    def stage_ended(self, stage: Stage, artifact: Artifact) -> None:
        """Note a stage; one trained by this trial stays so when it is found again."""
        noted = {"kind": stage.kind, "reused": artifact.reused, "seconds": artifact.seconds}
        self.stages.setdefault(stage.identity, noted)
