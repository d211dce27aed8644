"""What holds for every kind of source model, on a member of each family of architectures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from sfcmt.api.source_model import SourceModel
from sfcmt.config import GivenSourceConfig
from sfcmt.models.given import GivenSource
from sfcmt.models.sources import SOURCES
from sfcmt.models.tap import outputs_of
from sfcmt.models.tapped import TappedClassifier
from sfcmt.models.target_model import TargetModel, given_spec
from sfcmt.testing.source_models import CLASSES, SIZE, Example, SourceModelContract
from tests.models.sources.networks import hf_folder, plain, timm_network, torchvision_network

pytest.importorskip("transformers")


def given(model: str, network: nn.Module, folder: Path, suffix: str = "pth") -> Example:
    """A model whose weights are in a file."""
    path = folder / f"mine.{suffix}"
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    return Example(GivenSourceConfig(model=model, weights=str(path), classes=CLASSES), of(network))


def of(network: nn.Module) -> Callable[[Tensor], Tensor]:
    """What a network answers by its own means."""

    @torch.no_grad()
    def answers(x: Tensor) -> Tensor:
        return outputs_of(network.eval()(x))

    return answers


def timm(name: str, folder: Path) -> Example:
    return given(f"timm:{name}", timm_network(name), folder, "safetensors")


def timm_of_fixed_size(name: str, folder: Path) -> Example:
    """Trained at the size that it was made for, and resampled for ours."""
    network: Any = timm_network(name, size=160)
    example = given(f"timm:{name}", network, folder, "safetensors")
    network.set_input_size(img_size=SIZE)
    return example


def torchvision(name: str, folder: Path) -> Example:
    return given(f"torchvision:{name}", torchvision_network(name), folder)


def hf(name: str, folder: Path) -> Example:
    network = hf_folder(name, folder)
    return Example(GivenSourceConfig(model=f"hf:{folder}"), of(network))


def python(folder: Path) -> Example:
    return Example(GivenSourceConfig(model="python:tests.models.sources.networks:plain", classes=CLASSES), of(plain()))


def module(folder: Path) -> Example:
    return Example(SourceModel.from_module(plain(), CLASSES, size=SIZE).config, of(plain()))


def ours(folder: Path) -> Example:
    """A folder of a stage of ours, of a model that was brought before."""
    first = timm("test_resnet", folder)
    classifier, _ = GivenSource(first.config).classifier(SIZE)
    TargetModel(given_spec("timm:test_resnet", classifier, CLASSES, SIZE), classifier).save(folder)
    answers = GivenSource(first.config).classifier(SIZE)[0].eval()
    return Example(GivenSourceConfig(model=str(folder)), lambda x: answers(x).logits_BK.detach())


EXAMPLES: dict[str, Callable[[Path], Example]] = {
    "timm resnet": lambda folder: timm("test_resnet", folder),
    "timm efficientnet": lambda folder: timm("test_efficientnet", folder),
    "timm mobilenetv3": lambda folder: timm("mobilenetv3_small_050", folder),
    "timm regnet": lambda folder: timm("regnetx_002", folder),
    "timm convnext": lambda folder: timm("test_convnext", folder),
    "timm vit": lambda folder: timm_of_fixed_size("test_vit", folder),
    "torchvision resnet": lambda folder: torchvision("resnet18", folder),
    "torchvision mobilenet": lambda folder: torchvision("mobilenet_v3_small", folder),
    "hf vit": lambda folder: hf("ViT", folder),
    "hf deit": lambda folder: hf("DeiT", folder),
    "hf convnext": lambda folder: hf("ConvNext", folder),
    "hf swin": lambda folder: hf("Swin", folder),
    "python": python,
    "module": module,
    "folder": ours,
}
EXPORTED = ("timm resnet", "timm vit", "torchvision resnet", "hf swin", "python")
"""One of each kind of layers; seconds each. `make test-long` exports all."""


class TestKinds(SourceModelContract):
    """Each of ours."""

    @pytest.fixture(scope="module", params=EXAMPLES)
    def example(self, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Example:
        return EXAMPLES[request.param](tmp_path_factory.mktemp("model"))

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "example",
        [pytest.param(name, marks=() if name in EXPORTED else pytest.mark.long) for name in EXAMPLES],
        indirect=True,
    )
    def test_it_can_be_exported(self, classifier: TappedClassifier) -> None:
        super().test_it_can_be_exported(classifier)


def test_what_is_exported_is_an_example() -> None:
    assert set(EXPORTED) < set(EXAMPLES)


def test_no_kind_is_left_out() -> None:
    """Those that MLflow keeps are folders once they are downloaded: see tests/tuning/test_registered_source.py."""
    assert {name.split()[0] for name in EXAMPLES} == set(SOURCES) - {"models", "runs"}
