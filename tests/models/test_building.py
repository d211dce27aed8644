"""Networks that are built to see whether an experiment can be trained."""

from __future__ import annotations

import pytest

from sfcmt.config import BridgeConfig, SourceConfig
from sfcmt.errors import ConfigError
from sfcmt.experiment import parse_experiment
from sfcmt.models.building import built_backbone, built_translator
from sfcmt.tuning.checking import built


def test_a_backbone_is_told_with_its_size() -> None:
    line = built_backbone(SourceConfig(backbone="small", pretrained=False), 48)
    assert line == "small: 0.32 M parameters, 128 features"


def test_images_of_a_size_that_a_backbone_does_not_take_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        built_backbone(SourceConfig(backbone="vit_tiny_patch16_224", pretrained=False), 48)
    (problem,) = caught.value.problems
    assert (problem.path, problem.value) == ("data.size", 48)
    assert problem.allowed.startswith("a size that vit_tiny_patch16_224 takes")


@pytest.mark.parametrize(("name", "millions"), [("light", "0.00"), ("unet", "0.12"), ("project", "0.00")])
def test_a_translator_is_told_with_its_size(name: str, millions: str) -> None:
    assert built_translator(BridgeConfig(translator=name), 48) == f"translator {name}: {millions} M parameters"


def test_a_fixed_translator_is_not_built() -> None:
    raw = {"method": "tgkt", "source": {"backbone": "small", "pretrained": False}, "bridge": {"translator": "normals"}}
    assert len([*built(parse_experiment(raw))]) == 1


def test_a_translator_is_built_only_for_methods_that_use_it() -> None:
    source = {"backbone": "small", "pretrained": False}
    lines = {method: list(built(parse_experiment({"method": method, "source": source}))) for method in ("shot", "tgkt")}
    assert [len(found) for found in lines.values()] == [1, 2]
