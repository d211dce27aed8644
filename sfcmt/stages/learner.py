"""A learner: what is trained, and the weighted losses of one batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from sfcmt.config import ClassifierTraining, Training
from sfcmt.models.classifier import Classifier, depthwise_convolutions, head_parameters
from sfcmt.outputs import Outputs

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

    @abstractmethod
    def parameter_groups(self) -> list[ParameterGroup]:
        """Groups of trained parameters, each with its `lr`."""

    @abstractmethod
    def forward(self, batch: B) -> dict[str, Tensor]:
        """Weighted losses by name; their sum is minimised."""

    def start_epoch(self) -> None:
        """Called before each epoch, in training mode."""

    def end_step(self) -> None:
        """Called after each step of the optimiser."""

    def outputs(self) -> Outputs | None:
        """What the model as it is now says of the data, if this learner makes a target model."""
        return None


def classifier_groups(model: Classifier, training: ClassifierTraining) -> list[ParameterGroup]:
    """The backbone's parameters at `lr`, bottleneck and head at `head_lr` times that; frozen ones are left out."""
    if training.freeze_depthwise:
        for layer in depthwise_convolutions(model):
            layer.weight.requires_grad_(False)
    backbone = [parameter for parameter in model.backbone.parameters() if parameter.requires_grad]
    heads = [parameter for parameter in head_parameters(model) if parameter.requires_grad]
    return [{"params": backbone, "lr": training.lr}, {"params": heads, "lr": training.lr * training.head_lr}]
