"""The normalisation layers of a network, whatever their kind."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from sfcmt.errors import ModelError
from sfcmt.models.classifier import batchnorm_layers


def affine_layers(model: nn.Module) -> list[nn.Module]:
    """Layers that normalise each image by itself, and then scale and shift it: layer, group and RMS norms."""
    return [layer for layer in model.modules() if _normalises(layer) and layer._parameters.get("weight") is not None]


def _normalises(layer: nn.Module) -> bool:
    if isinstance(layer, _BatchNorm | _InstanceNorm):
        return False
    return isinstance(layer, nn.LayerNorm | nn.GroupNorm) or type(layer).__name__.lower().endswith(("norm", "norm2d"))


def require_batchnorm(model: nn.Module, field: str) -> None:
    """Raises `ModelError` where the model has no batch norm, on which the loss of a weight rests."""
    if not batchnorm_layers(model):
        raise ModelError(f"{field}: rests on batch norm, of which the source model has none; set it to 0")
