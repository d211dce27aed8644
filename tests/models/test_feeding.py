"""A trained network is at home under its own input, and says which of the usual mistakes was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from sfcmt.config import GivenSourceConfig
from sfcmt.data.dataset import Dataset
from sfcmt.data.images import Pixels
from sfcmt.models import feeding
from sfcmt.models.at_home import answer_strangeness
from sfcmt.models.classifier import Classifier
from sfcmt.models.compat import timm
from sfcmt.models.expected_input import ExpectedInput, Resize
from sfcmt.models.feeding import Feeding, check_feeding, pair_images
from sfcmt.models.given import GivenSource
from sfcmt.models.readings import usual_readings
from sfcmt.source_verbs import inspect
from sfcmt.testing.tiny import SIZE, get_or_train, tiny_experiment


class Saturating(Classifier):
    """Squashed pixels, averaged: images of the wrong scale are all the same to it."""

    def __init__(self) -> None:
        super().__init__()
        self.width, self.head = 12, nn.Linear(12, 4)

    def features(self, x_BCHW: Tensor) -> Tensor:
        return nn.functional.adaptive_avg_pool2d(x_BCHW.tanh(), 2).flatten(1)


@pytest.fixture(scope="module")
def images(tiny_data: Path) -> list[Pixels]:
    return pair_images(Dataset(tiny_data))[::2]


@pytest.fixture(scope="module")
def model(tiny_data: Path, tiny_store: Path) -> Path:
    training = {"epochs": 4, "bn_momentum": 0.3}
    return get_or_train("source", tiny_experiment(tiny_data, tiny_store, source=training)).path


def _fed(model: Path, images: list[Pixels], **given: Any) -> Feeding:
    return check_feeding(GivenSource(GivenSourceConfig.model_validate({"model": str(model), "input": given})), images)


def test_right_input_is_not_warned_of(model: Path, images: list[Pixels]) -> None:
    found = _fed(model, images)
    assert found.judged_by == "batch norm"
    assert (found.warning, found.changes) == (None, {})
    assert found.best is found.readings[0]
    assert found.untold == ()
    assert {found.verdict(one) for one in found.readings if "255" in one.reading.name} == {"clearly worse"}


@pytest.mark.parametrize(
    ("wrong", "to_set"),
    [
        ({"order": "bgr"}, {"order": "rgb"}),
        ({"range": 1}, {"range": 255}),
        ({"size": 16}, {"size": SIZE}),
    ],
)
def test_mistakes_are_named(
    model: Path,
    images: list[Pixels],
    wrong: dict[str, Any],
    to_set: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeding, "HOME", 10)  # the pairs' scenes are others than those of the training
    found = _fed(model, images, **wrong)
    assert found.best.reading.name != "configured"
    assert found.warning is not None
    assert found.changes == to_set
    for field, value in found.changes.items():
        assert f"source.input.{field}={value}" in found.warning


def test_order_is_not_judged_on_images_of_another_kind(model: Path, images: list[Pixels]) -> None:
    found = _fed(model, images, order="bgr")
    assert found.best.reading.input.order == "rgb"
    assert found.best.divergence > feeding.HOME
    assert found.warning is None


def test_networks_without_batch_norm_are_judged_by_scale_only(tmp_path: Path, images: list[Pixels]) -> None:
    torch.manual_seed(0)
    weights = tmp_path / "weights.safetensors"
    save_file(timm.create_model("test_convnext", num_classes=2).state_dict(), weights)
    config = {"model": "timm:test_convnext", "weights": str(weights), "classes": ["a", "b"], "input": {"size": 32}}
    found = check_feeding(GivenSource(GivenSourceConfig.model_validate(config)), images[:4])
    assert found.judged_by == "answers"
    assert found.untold == ("order of channels", "size")
    assert {(one.reading.input.order, one.reading.input.size) for one in found.readings} == {("rgb", 32)}


def test_what_saturates_is_strange() -> None:
    torch.manual_seed(0)
    x_BCHW = torch.randn(8, 3, 1, 1) * 0.3 + torch.randn(8, 3, 16, 16) * 0.05 + 0.3
    right, wrong = (answer_strangeness(Saturating(), scale * x_BCHW, 4).item() for scale in (1, 100))
    assert right < wrong


def test_readings_are_each_there_once() -> None:
    readings = usual_readings(ExpectedInput(size=64), 64)
    names = [reading.name for reading in readings]
    assert names[0] == "configured"
    assert "ImageNet's statistics" not in names  # it is the configured one
    assert "half the size" in names
    assert "double the size" not in names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("side", "crop"), [(63, None), (64, 0.875)])
def test_sizes_are_not_compared_on_enlarged_images(side: int, crop: float | None) -> None:
    readings = usual_readings(ExpectedInput(size=64, resize=Resize(crop=crop)), side)
    assert {reading.input.size for reading in readings} == {64}


def test_pairs_are_images(images: list[Pixels]) -> None:
    assert len(images) == 30
    assert {image.shape for image in images} == {(3, SIZE, SIZE)}


def test_the_verb_says_what_to_set(model: Path, tiny_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inspect(str(model), ["input.range=1"], None, tiny_data)
    said = capsys.readouterr().out
    assert "Warning: fed wrongly, it seems: 0 to 255 for 0 to 1; set source.input.range=255" in said
