"""A learner: what is trained, and the weighted losses of one batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from sfcmt.config import ClassifierTraining, Training
from sfcmt.models.classifier import Classifier, depthwise_convolutions
from sfcmt.outputs import Outputs
from sfcmt.precision import FLOAT32, Precision

B = TypeVar("B")
B_co = TypeVar("B_co", covariant=True)
ParameterGroup = dict[str, Any]


class Batches(Protocol[B_co]):
    """Where a learner's batches come from."""

    def steps(self, training: Training) -> int:
        """Steps of one epoch."""
        ...

    def epoch(self, training: Training, generator: torch.Generator) -> Iterator[B_co]:
        """The batches of one epoch."""
        ...


class Learner(nn.Module, ABC, Generic[B]):
    """Parameters, their groups, and the losses of a batch. All state that must survive a restart is in buffers."""

    progress: float = 0.0
    """Share of the training that is done, set before each step."""
    precision: Precision = FLOAT32
    """What `forward` runs networks with, set by `fit`; all else there is in float32."""

    @abstractmethod
    def parameter_groups(self) -> list[ParameterGroup]:
        """Groups of trained parameters, each with its `lr`."""

    @abstractmethod
    def forward(self, batch: B) -> dict[str, Tensor]:
        """Weighted losses by name; their sum is minimised."""

    def networks(self) -> list[nn.Module]:
        """What `forward` runs on images, and may be compiled: no hooks are put into it."""
        return []

    def start_epoch(self) -> None:
        """Called before each epoch, in training mode."""

    def end_step(self) -> None:
        """Called after each step of the optimiser."""

    def outputs(self) -> Outputs | None:
        """What the model as it is now says of the data, if this learner makes a target model."""
        return None


def classifier_groups(model: Classifier, training: ClassifierTraining) -> list[ParameterGroup]:
    """Parameters that started at random at `head_lr` times `lr`, all others at `lr`; frozen ones are left out."""
    if training.freeze_depthwise:
        for layer in depthwise_convolutions(model):
            layer.weight.requires_grad_(False)
    new = {parameter: None for parameter in model.new_parameters() if parameter.requires_grad}
    old = [parameter for parameter in model.parameters() if parameter.requires_grad and parameter not in new]
    groups = [{"params": old, "lr": training.lr}, {"params": [*new], "lr": training.lr * training.head_lr}]
    return [group for group in groups if group["params"]]
