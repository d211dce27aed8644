"""One real step of a transfer, and what a student says of it, computed anew in float64."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sfcmt.data.batches import UnlabelledBatch
from sfcmt.models.classifier import Classifier, Prediction
from sfcmt.precision import FLOAT32
from sfcmt.stages.term import Step, TargetPredictions
from sfcmt.stages.transfer_context import TransferContext
from sfcmt.testing.tiny import context_of, tiny_experiment


@dataclass(frozen=True)
class Example:
    """A setting, a student a little off the source model, and a step of it."""

    context: TransferContext[Any]
    student: Classifier
    untouched: Classifier
    """The student before the step."""
    batch: UnlabelledBatch
    step: Step

    def target(self) -> Prediction:
        """The student on the batch's target images."""
        return in_float64(self.untouched.train(), self.batch.target)

    def pair(self) -> Prediction:
        """The student on the target side of the batch's pairs."""
        return in_float64(self.untouched.train(), self.batch.pair_target)

    def real(self) -> Prediction:
        """The source model on the plain source side of the batch's pairs."""
        return in_float64(self.context.source, self.context.data.pair_source.clean(self.batch.pair_B))

    def survey(self) -> TargetPredictions:
        """The source model on all plain target images."""
        return TargetPredictions(lambda: Prediction(*(tensor.float() for tensor in self.surveyed())))

    def surveyed(self) -> Prediction:
        """What the survey finds."""
        return in_float64(self.context.source, self.context.data.target.clean(torch.arange(60)))


def in_float64(model: Classifier, x_BCHW: Tensor) -> Prediction:
    """A copy of the model, in its mode, on images of 1 or 3 channels."""
    x_B3HW = x_BCHW.double().repeat(1, 3 // x_BCHW.shape[1], 1, 1)
    with torch.no_grad():
        prediction: Prediction = copy.deepcopy(model).double()(x_B3HW)
    return prediction


def example(data: Path, store: Path, folder: Path, progress: float = 0.25, **fields: object) -> Example:
    """A batch of 16 of the tiny data under `tgkt`."""
    context = context_of(tiny_experiment(data, store, transfer=fields), folder)
    student: Any = context.new_student().train()
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in student.backbone.parameters():
            parameter.mul_(1 + 0.1 * torch.randn_like(parameter))
    batch = next(iter(context.data.epoch(context.config, torch.Generator().manual_seed(0))))
    step = Step(student, batch, follows_pairs=False, progress=progress, precision=FLOAT32)
    return Example(context, student, copy.deepcopy(student), batch, step)
