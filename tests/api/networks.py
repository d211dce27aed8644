"""Small classifiers of three classes, as people have them in a notebook, and functions that return them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sfcmt.models.compat import torchvision


class Custom(nn.Module):
    """What somebody wrote."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 5, 4), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.classify = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.body(x).flatten(1))  # type: ignore[no-any-return]


def custom() -> nn.Module:
    """The same one at each call."""
    torch.manual_seed(0)
    return Custom()


def resnet() -> nn.Module:
    """One of torchvision's, with a quarter of its usual width at the end."""
    torch.manual_seed(0)
    block = torchvision.models.resnet.BasicBlock
    network: nn.Module = torchvision.models.ResNet(block, [1, 1, 1, 1], num_classes=3)
    return network
