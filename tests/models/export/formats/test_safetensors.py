"""One file of weights, from which the network is rebuilt."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from sfcmt.errors import ModelError
from sfcmt.models.export.card import card_of, texts_of
from sfcmt.models.export.formats.safetensors import rebuilt
from sfcmt.models.export.writing import export_model
from tests.models.export.models import CHANGES, images, trained


@pytest.mark.parametrize("name", CHANGES)
def test_the_rebuilt_model_answers_as_before(tmp_path: Path, name: str) -> None:
    model, file = trained(**CHANGES[name]), tmp_path / "model.safetensors"
    assert export_model(model, model.spec, "safetensors", file).difference == 0
    found = rebuilt(file)
    assert found.spec == model.spec
    assert not found.training
    for count in (1, 7):
        x_BCHW = images(model, count)
        assert torch.equal(found(x_BCHW), model(x_BCHW))
    with safe_open(file, "pt") as opened:
        assert opened.metadata() == texts_of(card_of(model.spec))
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize("metadata", [None, {}, {"model": "{"}, {"format": "pt"}])
def test_a_file_of_others_is_refused_by_its_name(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    file = tmp_path / "theirs.safetensors"
    save_file({"weight": torch.zeros(3)}, file, metadata)
    with pytest.raises(ModelError, match=f"^{file}: holds no ") as caught:
        rebuilt(file)
    assert "\n" not in str(caught.value)


def test_what_is_missing_or_damaged_is_told(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    with pytest.raises(ModelError, match=f"^{file}: holds no model that sfcmt has exported"):
        rebuilt(file)
    model = trained()
    export_model(model, model.spec, "safetensors", file)
    weights = load_file(file)
    weights.pop("classifier.bottleneck.0.bias")
    save_file(weights, file, texts_of(card_of(model.spec)))
    with pytest.raises(ModelError, match=f"^{file}: holds no readable model"):
        rebuilt(file)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ModelError, match=f"^{file}: holds no model"):
        rebuilt(file)
