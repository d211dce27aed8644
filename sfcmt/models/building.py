"""Building networks before anything is trained: their names, weights and sizes fit, and a batch goes through them.

The batch is on the meta device: it has a shape and no numbers, so even a large one costs little.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import TYPE_CHECKING

import torch
from torch import nn

from sfcmt.errors import ConfigError, Problem
from sfcmt.listing import listed
from sfcmt.models.backbones import REFUSALS, first_line
from sfcmt.models.bottleneck import BottleneckClassifier
from sfcmt.models.given import GivenSource
from sfcmt.models.translators import TRANSLATORS

if TYPE_CHECKING:
    from sfcmt.config import BridgeConfig, GivenSourceConfig, SourceConfig


def built_backbone(config: SourceConfig, size: int) -> str:
    """Builds the backbone, with its weights, for images of `size` pixels; a line on what it is.

    Raises `ModelError` where weights cannot be had, `ConfigError` for a size that it does not take.
    """
    classifier = BottleneckClassifier(config.backbone, 2, config.pretrained, size)
    backbone, features = classifier.backbone, classifier.bottleneck[0].in_features
    return f"{config.backbone}: {_parameters(backbone)} parameters, {features} features"


def built_source(config: GivenSourceConfig, size: int) -> list[str]:
    """Reads a given source model, with its weights; lines on what it is. Raises `ModelError`, `ConfigError`."""
    source = GivenSource(config)
    classifier, notes = source.classifier(size)
    classes = f"{len(source.classes)} classes ({listed(source.classes)})"
    return [f"{config.model}: {_parameters(classifier)} parameters, {classifier.width} features, {classes}", *notes]


def built_translator(config: BridgeConfig, size: int, channels: int = 1) -> str:
    """The same of the translator that is trained, for a batch of target images of some channels."""
    translator = TRANSLATORS[config.translator](channels)
    dry_run_translator(config.translator, size, config.batch, channels)
    return f"translator {config.translator}: {_parameters(translator)} parameters"


@cache
def dry_run_classifier(backbone: str, made_for: int, size: int, batch: int) -> None:
    """One forward pass in training mode of a classifier that is made for images of `made_for` pixels.

    Raises `ConfigError` for a size, or a batch, that the network does not take.
    """
    classifier = BottleneckClassifier(backbone, 2, size=made_for)
    _shown(classifier, 3, size, batch, backbone if made_for == size else f"{backbone}, made for {made_for} pixels,")


@cache
def dry_run_translator(name: str, size: int, batch: int, channels: int) -> None:
    """The same of a translator."""
    _shown(TRANSLATORS[name](channels), channels, size, batch, f"the translator {name}")


@torch.no_grad()
def _shown(network: nn.Module, channels: int, size: int, batch: int, who: str) -> None:
    try:
        copy.deepcopy(network).to("meta").train()(torch.empty(batch, channels, size, size, device="meta"))
    except (NotImplementedError, *REFUSALS):
        _shown_here(network, channels, size, batch, who)  # not every operation is known there


def _shown_here(network: nn.Module, channels: int, size: int, batch: int, who: str) -> None:
    try:
        network.train()(torch.zeros(min(batch, 2), channels, size, size))
    except REFUSALS as error:
        allowed = f"a size that {who} takes in batches of {batch} ({first_line(error)})"
        raise ConfigError([Problem("data.size", size, allowed)]) from error


def _parameters(network: nn.Module) -> str:
    return f"{sum(parameter.numel() for parameter in network.parameters()) / 1e6:.2f} M"
