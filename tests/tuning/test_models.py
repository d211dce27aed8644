"""A model may be a stranger's: code that it names is run only where the user says so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

import sfcmt
from sfcmt.errors import ModelError
from sfcmt.models.export.formats.safetensors import rebuilt
from sfcmt.models.target_model import TargetModel
from tests.models.sources.test_folder import saved

NETWORKS = "tests.models.sources.networks"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model whose network a function makes, of which nothing is imported."""
    (tmp_path / "model").mkdir()
    saved(tmp_path / "model")
    monkeypatch.delitem(sys.modules, NETWORKS, raising=False)
    return tmp_path / "model"


def test_a_folder_runs_no_code_unless_it_is_trusted(folder: Path, tmp_path: Path) -> None:
    refusal = rf"made by code \({NETWORKS}:plain\); if you trust it: --run-code \(run_code=True\)$"
    with pytest.raises(ModelError, match=refusal):
        sfcmt.load_model(str(folder))
    with pytest.raises(ModelError, match=refusal):
        sfcmt.predict(str(folder), [tmp_path / "image.png"])
    with pytest.raises(ModelError, match=refusal):
        sfcmt.export(str(folder), "safetensors", tmp_path / "model.safetensors")
    assert NETWORKS not in sys.modules
    model, spec = sfcmt.load_model(str(folder), run_code=True)
    assert spec.network is not None
    assert NETWORKS in sys.modules
    x = torch.randint(0, 256, (2, 3, spec.size, spec.size)).float()
    assert torch.equal(model(x), TargetModel.load(folder)(x))


def test_nor_does_an_exported_file(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    sfcmt.export(str(folder), "safetensors", file, run_code=True)
    with pytest.raises(ModelError, match=rf"^{file}: its network is made by code"):
        sfcmt.load_model(str(file))
    assert rebuilt(file).spec == TargetModel.load(folder).spec
