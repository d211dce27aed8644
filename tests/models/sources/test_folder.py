"""Folders of models of ours, which may come from a stranger."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfcmt.config import GivenSourceConfig
from sfcmt.errors import ConfigError, ModelError
from sfcmt.models.given import GivenSource
from sfcmt.models.target_model import TargetModel, given_spec
from sfcmt.testing.source_models import CLASSES, SIZE


def saved(folder: Path) -> Path:
    """A model whose network a function makes."""
    config = GivenSourceConfig(model="python:tests.models.sources.networks:plain", classes=CLASSES)
    classifier, _ = GivenSource(config).classifier(SIZE)
    TargetModel(given_spec(config.model, classifier, CLASSES, SIZE), classifier).save(folder)
    return folder


def test_code_that_a_folder_names_is_not_run(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"made by code \(tests\.models\.sources\.networks:plain\), which is not run"):
        _ = GivenSource(GivenSourceConfig(model=str(saved(tmp_path)))).classes


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"KIND:NAME, or a folder with model\.json and model\.safetensors"):
        _ = GivenSource(GivenSourceConfig(model=str(tmp_path))).classes
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(ModelError, match="holds no readable model"):
        _ = GivenSource(GivenSourceConfig(model=str(tmp_path))).classes
    weights = GivenSourceConfig(model=str(tmp_path), weights="other.pth")
    with pytest.raises(ConfigError, match=r"source\.weights: .* has its own"):
        _ = GivenSource(weights).classes
