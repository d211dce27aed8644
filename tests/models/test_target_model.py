"""The model that is shipped: there and back through its folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from sfcmt.data.manifest import Normalisation
from sfcmt.errors import ConfigError, ModelError, SfcmtError
from sfcmt.models.bottleneck import BottleneckClassifier
from sfcmt.models.target_model import ModelSpec, TargetModel
from sfcmt.models.translators.fixed import FIXED

COLOURS = Normalisation(mean=(120.0, 110.0, 100.0), std=(60.0, 59.0, 58.0))
Damage = Callable[[Path], object]


def make(**changes: object) -> TargetModel:
    fields: dict[str, Any] = {
        "backbone": "small",
        "classes": ("a", "b", "c"),
        "translator": "light",
        "modality": "depth",
        "channels": 1,
        "bits": 16,
        "size": 32,
        "holes": "mask",
        "normalisation": Normalisation(mean=(30000.0,), std=(9000.0,)),
    }
    torch.manual_seed(0)
    model = TargetModel(ModelSpec(**fields | changes), BottleneckClassifier("small", 3)).train()
    for _ in range(2):
        model(pixels(model))
    return model.eval()


def pixels(model: TargetModel) -> torch.Tensor:
    return torch.randint(0, 2**16, (4, model.spec.channels, 32, 32), dtype=torch.int32)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"translator": "copy", "holes": "fill"},
        {"translator": "unet", "bits": 8},
        {"translator": "copy", "channels": 3, "normalisation": Normalisation(mean=(1.0,) * 3, std=(2.0,) * 3)},
        {"translator": "light", "channels": 3, "normalisation": Normalisation(mean=(1.0,) * 3, std=(2.0,) * 3)},
        {"translator": "project", "channels": 5, "normalisation": Normalisation(mean=(1.0,) * 5, std=(2.0,) * 5)},
        *({"translator": name, "colours": COLOURS} for name in FIXED),
    ],
    ids=["light", "copy", "unet", "source", "light of 3", "project of 5", *FIXED],
)
def test_a_saved_model_answers_as_before(tmp_path: Path, changes: dict[str, Any]) -> None:
    model = make(**changes)
    model.save(tmp_path)
    loaded = TargetModel.load(tmp_path)
    x = pixels(model)
    assert loaded.spec == model.spec
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(x), model(x))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.json", "model.safetensors"]


def test_weights_that_share_memory_are_saved_each(tmp_path: Path) -> None:
    model = make()
    features: Any = model.classifier
    features.bottleneck[0].bias = features.bottleneck[1].bias
    model.save(tmp_path)
    saved = load_file(tmp_path / "model.safetensors")
    assert torch.equal(saved["classifier.bottleneck.0.bias"], saved["classifier.bottleneck.1.bias"])


def test_logits_are_those_of_the_translated_normal_image() -> None:
    model = make(translator="copy")
    x = pixels(model)
    normal = torch.where(x == 0, 0.0, (x.float() - 30000) / 9000)
    with torch.no_grad():
        torch.testing.assert_close(model(x), model.classifier(normal.repeat(1, 3, 1, 1)).logits_BK)


def test_a_model_of_three_channels_sees_them_through_its_translator() -> None:
    normalisation = Normalisation(mean=(100.0, 200.0, 300.0), std=(10.0, 20.0, 30.0))
    model = make(channels=3, holes="keep", normalisation=normalisation)
    x = pixels(model)
    normal = (x.float() - torch.tensor(normalisation.mean).view(3, 1, 1)) / torch.tensor([10.0, 20, 30]).view(3, 1, 1)
    with torch.no_grad():
        expected = model.classifier(model.translator(normal)).logits_BK
        torch.testing.assert_close(model(x), expected)
        assert not torch.allclose(expected, model.classifier(2 * normal).logits_BK)


@pytest.mark.parametrize("name", FIXED)
def test_a_fixed_translator_reads_stored_pixels(name: str) -> None:
    model = make(translator=name, colours=COLOURS)
    x = pixels(model)
    seen = FIXED[name](model.spec.normalisation, "mask", COLOURS)(x)
    with torch.no_grad():
        torch.testing.assert_close(model(x), model.classifier(seen).logits_BK)


def test_only_a_model_with_a_fixed_translator_says_whose_colours_it_makes(tmp_path: Path) -> None:
    for changes in ({}, {"translator": "normals", "colours": COLOURS}):
        make(**changes).save(tmp_path)
        assert ("colours" in json.loads((tmp_path / "model.json").read_text())) == bool(changes)


def _without(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


def _edit(**fields: object) -> Damage:
    def edit(folder: Path) -> None:
        path = folder / "model.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))

    return edit


def _truncate(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


DAMAGES: dict[str, Damage] = {
    "no spec": _without("model.json"),
    "no weights": _without("model.safetensors"),
    "no json": lambda folder: (folder / "model.json").write_text("{"),
    "strange field": _edit(colour="red"),
    "other format": _edit(format=2),
    "other classes": _edit(classes=["a", "b"]),
    "other translator": _edit(translator="unet"),
    "truncated": _truncate,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_folder_is_a_model_error_that_names_it(tmp_path: Path, damage: Damage) -> None:
    make().save(tmp_path)
    damage(tmp_path)
    with pytest.raises(ModelError, match=str(tmp_path)) as caught:
        TargetModel.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_parts_that_this_sfcmt_lacks_are_told_by_name(tmp_path: Path) -> None:
    make().save(tmp_path)
    _edit(translator="diffusion")(tmp_path)
    with pytest.raises(ConfigError, match="light"):
        TargetModel.load(tmp_path)
    assert issubclass(ModelError, SfcmtError)
