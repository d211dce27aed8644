"""What every classifier is: features of images, and a head on top of them.

Shapes: B images, C = 3 channels, D features, K classes.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sfcmt.distributed import gathered, workers


class Prediction(NamedTuple):
    """Features (B, D) that enter the head, and logits (B, K)."""

    features_BD: Tensor
    logits_BK: Tensor

    def of_all(self, total: int) -> Prediction:
        """From the predictions for a worker's share of `total` images, those for all of them."""
        if workers() == 1:
            return self
        both = gathered(torch.cat(self, dim=1), total)  # one exchange
        return Prediction(*torch.split(both, [tensor.shape[1] for tensor in self], dim=1))


class Classifier(nn.Module, ABC):
    """F, and C on top of it."""

    head: Any
    """A module, from features (B, D) to logits (B, K): C, which transfer never trains."""
    width: int
    """D."""

    @abstractmethod
    def features(self, x_BCHW: Tensor) -> Tensor:
        """Normalised images (B, 3, H, W) -> (B, D): F."""

    def forward(self, x_BCHW: Tensor) -> Prediction:
        """Normalised images (B, 3, H, W) -> features and logits."""
        features_BD = self.features(x_BCHW)
        return Prediction(features_BD, self.head(features_BD))

    def new_parameters(self) -> list[nn.Parameter]:
        """Those that start at random where the classifier is trained anew, and so learn at a higher rate."""
        return [*self.head.parameters()]

    def freeze_head(self) -> None:
        """Keep C as it is: transfer trains F_t only."""
        self.head.requires_grad_(False)


def frozen(model: nn.Module) -> nn.Module:
    """Put a model in evaluation mode and switch its gradients off, for good."""
    return model.eval().requires_grad_(False)


def set_batchnorm_momentum(model: nn.Module, momentum: float) -> None:
    """Set how fast the running statistics of all batch-norm layers follow the batches."""
    for layer in batchnorm_layers(model):
        layer.momentum = momentum


def batchnorm_layers(model: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    """All batch-norm layers of a model, in its own order."""
    return [layer for layer in model.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]


class BatchNormFrozen:
    """Context in which a training-mode forward leaves the running statistics of batch norm as they are."""

    def __init__(self, model: nn.Module) -> None:
        self._layers = batchnorm_layers(model)

    def __enter__(self) -> None:
        self._momenta = [layer.momentum for layer in self._layers]
        for layer in self._layers:
            layer.momentum = 0.0

    def __exit__(self, *error: object) -> None:
        for layer, momentum in zip(self._layers, self._momenta, strict=True):
            layer.momentum = momentum


def depthwise_convolutions(model: nn.Module) -> list[nn.Conv2d]:
    """Convolutions with one input channel a group: slow to train, and rarely worth it."""
    found = (layer for layer in model.modules() if isinstance(layer, nn.Conv2d))
    return [layer for layer in found if layer.groups == layer.in_channels > 1]


def copy_of(model: Classifier) -> Classifier:
    """An independent, trainable copy."""
    return copy.deepcopy(model).requires_grad_(True)
