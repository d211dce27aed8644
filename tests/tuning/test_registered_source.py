"""Source models of ours that MLflow keeps."""

from __future__ import annotations

from pathlib import Path

import mlflow
import pytest
import torch

import sfcmt.reports.registry.served_model
from sfcmt.config import GivenSourceConfig
from sfcmt.data.dataset import Dataset
from sfcmt.errors import ModelError
from sfcmt.models.given import GivenSource
from sfcmt.models.given_start import GivenStart
from sfcmt.models.sources import SOURCES
from sfcmt.models.target_model import TargetModel, given_spec, target_spec
from sfcmt.testing.source_models import CLASSES, SIZE
from sfcmt.testing.tiny import write_tiny
from tests.database import new_database
from tests.models.sources.networks import timm_network
from tests.tuning.conftest import using

pytestmark = pytest.mark.slow


def register(model: TargetModel, folder: Path) -> str:
    """Log a model as promotion does, and register it; where it is."""
    folder.mkdir(parents=True)
    model.save(folder)
    served = Path(sfcmt.reports.registry.served_model.__file__)
    with mlflow.start_run():
        logged = mlflow.pyfunc.log_model(
            name="served",
            python_model=str(served),
            artifacts={"model": str(folder)},
            metadata={"spec": model.spec.model_dump_json()},
            pip_requirements=[],
        )
    return f"models:/mine/{mlflow.register_model(logged.model_uri, 'mine').version}"


def source_model(channels: int, folder: Path) -> TargetModel:
    weights = folder / "mine.pth"
    torch.save(timm_network("test_resnet").state_dict(), weights)
    config = GivenSourceConfig(model="timm:test_resnet", weights=str(weights), classes=CLASSES)
    classifier, _ = GivenSource(config).classifier(SIZE)
    spec = given_spec(config.model, classifier, CLASSES, SIZE)
    return TargetModel(
        spec if channels == 3 else target_spec(Dataset(write_tiny(folder / "data")), spec, SIZE), classifier
    )


def test_a_registered_model_starts_a_transfer_and_no_code_of_it_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with using(new_database(tmp_path)):
        check_registered(tmp_path)


def check_registered(tmp_path: Path) -> None:
    """Of two versions, one of RGB images and one of depth, which cannot be a source."""
    mlflow.set_experiment("sources")
    model = source_model(3, tmp_path)
    place = register(model, tmp_path / "three" / "model")
    source = GivenSource(GivenSourceConfig(model=place))
    assert source.classes == CLASSES
    classifier, _ = source.classifier(SIZE)
    x = torch.randn(2, 3, SIZE, SIZE)
    torch.testing.assert_close(classifier.eval()(x).logits_BK, model.eval().classifier(x).logits_BK)
    depth = register(source_model(1, tmp_path), tmp_path / "one" / "model")
    with pytest.raises(ModelError, match=r"models:/mine/2: a model of depth images of 1 channel"):
        _ = GivenSource(GivenSourceConfig(model=depth)).classes
    start = GivenStart(depth)
    assert start.spec.modality == "depth"
    assert GivenStart(start.pinned).model().spec == start.spec
    with pytest.raises(ModelError, match=r"transfer.start: models:/mine/1 has changed \(digest .*, not 0000"):
        GivenStart(f"{place}#{'0' * 20}").model()
    with pytest.raises(ModelError, match="models:/nobody/1"):
        _ = GivenSource(GivenSourceConfig(model="models:/nobody/1")).classes


def test_every_kind_has_its_contract_tested_or_is_one_of_these() -> None:
    assert {"models", "runs"} <= set(SOURCES)
