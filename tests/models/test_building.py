"""Networks that are built, and shown a batch, to see whether an experiment can be trained."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sfcmt.config import BridgeConfig, SourceConfig
from sfcmt.errors import ConfigError, DataError
from sfcmt.experiment import parse_experiment
from sfcmt.models.bottleneck import BottleneckClassifier
from sfcmt.models.building import built_backbone, built_translator, dry_run_classifier
from sfcmt.testing.tiny import tiny_experiment, write_tiny
from sfcmt.tuning.checking import built

SMALL = {"backbone": "small", "pretrained": False}


def test_a_backbone_is_told_with_its_size() -> None:
    line = built_backbone(SourceConfig(backbone="small", pretrained=False), 48)
    assert line == "small: 0.32 M parameters, 128 features"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "features"),
    [("lcnet_035", 1280), ("mobilenetv3_small_050", 1024), ("levit_128s", 384), ("vit_tiny_patch16_224", 192)],
)
def test_features_are_measured_and_the_size_is_handed_to_networks_that_need_it(name: str, features: int) -> None:
    classifier = BottleneckClassifier(name, 3, size=64).eval()
    assert classifier.bottleneck[0].in_features == features
    dry_run_classifier(name, 64, 64, 4096)  # costs nothing
    with torch.no_grad():
        assert classifier(torch.zeros(2, 3, 64, 64)).logits_BK.shape == (2, 3)


def test_images_of_a_size_that_a_backbone_does_not_take_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        built_backbone(SourceConfig(backbone="vit_tiny_patch16_224", pretrained=False), 16 - 1)
    (problem,) = caught.value.problems
    assert (problem.path, problem.value) == ("data.size", 15)
    assert problem.allowed.startswith("a size that vit_tiny_patch16_224 takes")


@pytest.mark.slow
def test_a_network_that_is_made_for_one_size_is_not_shown_another() -> None:
    source = SMALL | {"backbone": "levit_128s", "size": 64}
    with pytest.raises(ConfigError, match="levit_128s, made for 64 pixels, takes in batches of 7"):
        list(
            built(
                parse_experiment({"method": "shot", "source": source, "data": {"size": 96}, "transfer": {"batch": 7}})
            )
        )


@pytest.mark.parametrize(("rows", "groups"), [(1, 1), (2, 2)])
def test_too_few_images_for_batch_norm_are_refused(tmp_path: Path, rows: int, groups: int) -> None:
    experiment = tiny_experiment(
        write_tiny(tmp_path / "data", rows=rows, groups=groups), tmp_path, method="source_only"
    )
    few = "1 target image; training needs at least 2" if rows == 1 else "images of source to train on: 1; needed: 2"
    with pytest.raises(DataError, match=few):
        list(built(experiment))


@pytest.mark.parametrize(("rows", "few"), [(2, "pairs to train on: 1; at least 2"), (1, "all pairs are of one group")])
def test_too_few_pairs_are_refused_before_the_source_model_is_trained(tmp_path: Path, rows: int, few: str) -> None:
    folder = write_tiny(tmp_path / "data", pair_rows=rows)
    with pytest.raises(DataError, match=few):
        list(built(tiny_experiment(folder, tmp_path)))


def test_images_that_a_method_does_not_take_are_refused_before_anything_is_trained(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", channels=3)
    changes = {"method": "socket", "transfer": {"as_released": True}, "bridge": {"translator": "project"}}
    with pytest.raises(DataError, match="as_released: takes target images of 1 channel"):
        list(built(tiny_experiment(folder, tmp_path, **changes)))


@pytest.mark.parametrize(("name", "millions"), [("light", "0.00"), ("unet", "0.12"), ("project", "0.00")])
def test_a_translator_is_told_with_its_size(name: str, millions: str) -> None:
    assert built_translator(BridgeConfig(translator=name), 48) == f"translator {name}: {millions} M parameters"


def test_a_fixed_translator_is_not_built() -> None:
    raw = {"method": "tgkt", "source": SMALL, "bridge": {"translator": "normals"}}
    assert len([*built(parse_experiment(raw))]) == 1


def test_a_translator_is_built_only_for_methods_that_use_it() -> None:
    lines = {method: list(built(parse_experiment({"method": method, "source": SMALL}))) for method in ("shot", "tgkt")}
    assert [len(found) for found in lines.values()] == [1, 2]
