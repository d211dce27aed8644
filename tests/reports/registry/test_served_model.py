"""The served model reads encoded images of any size as `sfcmt predict` reads files."""

from __future__ import annotations

from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import torch

import sfcmt.reports.registry
from sfcmt.classify import classify
from sfcmt.data.dataset import Dataset
from sfcmt.data.images import encode_png
from sfcmt.data.manifest import Holes
from sfcmt.models.classifier import Classifier
from sfcmt.models.target_model import TargetModel, target_spec
from sfcmt.reports.registry.versions import SIGNATURE
from sfcmt.testing.tiny import write_tiny
from sfcmt.tuning.models import SERVED

CODE = Path(sfcmt.reports.registry.__file__).with_name("served_model.py")


def saved(folder: Path, bits: int, holes: Holes) -> TargetModel:
    """A model that nothing has trained, saved as MLflow's in `folder`/mlflow."""
    torch.manual_seed(0)
    spec = target_spec(Dataset(write_tiny(folder / "data", rows=6, bits=bits, holes=holes)), "small", 20)
    model = TargetModel(spec, Classifier("small", len(spec.classes))).eval()
    served = folder / Path(SERVED).name
    served.mkdir()
    model.save(served)
    mlflow.pyfunc.save_model(
        folder / "mlflow",
        python_model=str(CODE),
        artifacts={"model": str(served)},
        signature=SIGNATURE,
        pip_requirements=[],
    )
    return model


def noise(height: int, width: int, bits: int) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 2**bits, size=(1, height, width))
    return encode_png(pixels.astype(np.uint16) if bits == 16 else pixels.astype(np.uint8))


@pytest.mark.parametrize(("bits", "holes"), [(8, "keep"), (16, "mask")])
def test_any_size_and_depth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: int, holes: Holes) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    model = saved(tmp_path, bits, holes)
    images = [noise(20, 20, bits), noise(31, 57, bits)]
    files = [tmp_path / "0.png", tmp_path / "1.png"]
    for file, image in zip(files, images, strict=True):
        file.write_bytes(image)
    expected = classify(model, model.spec, files)
    served = mlflow.pyfunc.load_model(str(tmp_path / "mlflow"))
    found = served.predict(pd.DataFrame({"encoded_image": images}))
    assert list(found["label"]) == [one.label for one in expected]
    assert list(found["probabilities"]) == [one.probabilities for one in expected]
    with pytest.raises(mlflow.MlflowException, match="row 1: not a readable image"):
        served.predict(pd.DataFrame({"encoded_image": [images[0], b"no image"]}))
