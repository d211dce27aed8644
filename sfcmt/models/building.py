"""Building an experiment's networks before anything is trained: their names, weights and sizes fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from sfcmt.errors import ConfigError, Problem
from sfcmt.models.backbones import build_backbone
from sfcmt.models.given import GivenSource
from sfcmt.models.translators import TRANSLATORS

if TYPE_CHECKING:
    from sfcmt.config import BridgeConfig, GivenSourceConfig, SourceConfig


def built_backbone(config: SourceConfig, size: int) -> str:
    """Builds the backbone, with its weights, and shows it an image of `size` pixels; a line on what it is.

    Raises `ModelError` where weights cannot be had, `ConfigError` for a size that it does not take.
    """
    backbone = build_backbone(config.backbone, config.pretrained)
    features = _shown(backbone, 3, size, f"{config.backbone} takes")
    return f"{config.backbone}: {_parameters(backbone)} parameters, {features.shape[1]} features"


def built_source(config: GivenSourceConfig, size: int) -> list[str]:
    """Reads a given source model, with its weights; lines on what it is. Raises `ModelError`, `ConfigError`."""
    source = GivenSource(config)
    classifier, notes = source.classifier(size)
    classes = f"{len(source.classes)} classes ({', '.join(source.classes)})"
    return [f"{config.model}: {_parameters(classifier)} parameters, {classifier.width} features, {classes}", *notes]


def built_translator(config: BridgeConfig, size: int, channels: int = 1) -> str:
    """The same of the translator that is trained, for target images of some channels."""
    translator = TRANSLATORS[config.translator](channels)
    _shown(translator, channels, size, f"the translator {config.translator} takes")
    return f"translator {config.translator}: {_parameters(translator)} parameters"


@torch.no_grad()
def _shown(network: nn.Module, channels: int, size: int, who: str) -> Any:
    try:
        return network.eval()(torch.zeros(1, channels, size, size))
    except (RuntimeError, AssertionError) as error:
        raise ConfigError([Problem("data.size", size, f"a size that {who} ({error})")]) from error


def _parameters(network: nn.Module) -> str:
    return f"{sum(parameter.numel() for parameter in network.parameters()) / 1e6:.2f} M"
