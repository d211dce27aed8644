"""A source model is a section of an experiment, whichever way it came about."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sfcmt import SourceModel
from sfcmt.config import GivenSourceConfig
from sfcmt.errors import ConfigError
from sfcmt.models.given import GivenSource
from tests.api.networks import custom

CLASSES = ["across", "down", "centre"]


def test_a_module_and_what_it_expects() -> None:
    source = SourceModel.from_module(
        custom(), CLASSES, size=40, mean=(0.1, 0.2, 0.3), std=(1, 2, 3), order="bgr", head="classify"
    )
    expected = GivenSource(source.config).input
    assert (expected.size, expected.mean, expected.std, expected.order) == (40, (0.1, 0.2, 0.3), (1, 2, 3), "bgr")
    assert source.config.head == "classify"
    assert source.config.model.startswith("module:Custom-")
    assert GivenSource(SourceModel.from_module(custom(), CLASSES).config).input.size == 224


def test_outputs_are_merged_into_classes() -> None:
    source = SourceModel.from_module(custom(), {"bars": [0, 1], "disc": [2]}, size=32)
    classifier, _ = GivenSource(source.config).classifier(32)
    assert classifier.eval()(torch.zeros(2, 3, 32, 32)).logits_BK.shape == (2, 2)


def test_what_a_yaml_file_takes(tmp_path: Path) -> None:
    source = SourceModel.of("timm:resnet18", weights=tmp_path / "mine.pth", classes=CLASSES, input={"order": "bgr"})
    given = {"weights": str(tmp_path / "mine.pth"), "classes": CLASSES, "input": {"order": "bgr"}}
    assert source.config == GivenSourceConfig.model_validate({"model": "timm:resnet18", **given})


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        SourceModel.of("timm:resnet18", classes=CLASSES, input={"order": "grb"}, heads="fc")
    assert [problem.path for problem in caught.value.problems] == ["source.input.order", "source.heads"]
