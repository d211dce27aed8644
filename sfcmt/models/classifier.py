"""Backbone -> bottleneck -> classifier: the network of SHOT, SOCKET and TGKT.

Shapes: B images, C = 3 channels, D bottleneck features, K classes.
"""

from __future__ import annotations

import copy
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from sfcmt.distributed import gathered, workers
from sfcmt.models.backbones import build_backbone

BOTTLENECK = 256


class Prediction(NamedTuple):
    """Bottleneck features (B, D) and logits (B, K)."""

    features_BD: Tensor
    logits_BK: Tensor

    def of_all(self, total: int) -> Prediction:
        """From the predictions for a worker's share of `total` images, those for all of them."""
        if workers() == 1:
            return self
        both = gathered(torch.cat(self, dim=1), total)  # one exchange
        return Prediction(*torch.split(both, [tensor.shape[1] for tensor in self], dim=1))


class Classifier(nn.Module):
    """F = backbone, Linear(256) and BatchNorm1d; C = weight-normalised linear (SHOT, Liang et al. 2020, section 3)."""

    def __init__(self, backbone: str, classes: int, pretrained: bool = False) -> None:
        super().__init__()
        self.backbone = build_backbone(backbone, pretrained)
        width = cast("int", self.backbone.num_features)
        self.bottleneck = nn.Sequential(nn.Linear(width, BOTTLENECK), nn.BatchNorm1d(BOTTLENECK))
        self.head = weight_norm(nn.Linear(BOTTLENECK, classes))

    def forward(self, x_BCHW: Tensor) -> Prediction:
        """Images (B, 3, H, W), normalised -> features and logits."""
        features_BD = self.bottleneck(self.backbone(x_BCHW))
        return Prediction(features_BD, self.head(features_BD))

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


def head_parameters(model: Classifier) -> list[nn.Parameter]:
    """Parameters that start at random (bottleneck and classifier) and so learn at a higher rate."""
    return [*model.bottleneck.parameters(), *model.head.parameters()]


def copy_of(model: Classifier) -> Classifier:
    """An independent, trainable copy."""
    return copy.deepcopy(model).requires_grad_(True)
