"""Files are called after models, and what is refused is refused before a model is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import sfcmt
from sfcmt.errors import ConfigError, ModelError
from tests.models.export.models import images, trained


def test_a_folders_model_goes_into_a_file_that_is_loaded_like_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "transfer-1.5").mkdir()
    model = trained()
    model.save(tmp_path / "transfer-1.5")
    monkeypatch.chdir(tmp_path)
    exported = sfcmt.export("transfer-1.5/", "safetensors")
    assert (exported.path, exported.difference) == (Path("transfer-1.5.safetensors"), 0)
    again = sfcmt.export("transfer-1.5.safetensors", "safetensors", Path("again.safetensors"))
    found, spec = sfcmt.load_model("again.safetensors")
    assert again.path.exists()
    assert spec == model.spec
    x_BCHW = images(model)
    assert torch.equal(found(x_BCHW), model(x_BCHW))


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("models:/depth@champion", "depth-champion"),
        ("models:/depth/3", "depth-3"),
        ("runs:/0a1b/model", "0a1b-model"),
        ("store/stages/transfer-0a1b/", "transfer-0a1b"),
        ("depth.safetensors", "depth"),
    ],
)
def test_a_file_is_called_after_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, name: str
) -> None:
    (tmp_path / f"{name}.pt2").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=rf"^output: '{name}.pt2' is not allowed; allowed: a file that does not"):
        sfcmt.export(model, "pt2")


def test_no_model_no_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere: holds no readable model"):
        sfcmt.export(str(tmp_path / "nowhere"), "pt2", tmp_path / "model.pt2")
    assert not list(tmp_path.iterdir())
