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
from sfcmt.data.images import encode
from sfcmt.data.manifest import Holes
from sfcmt.models.bottleneck import BottleneckClassifier
from sfcmt.models.target_model import TargetModel, source_spec, target_spec
from sfcmt.reports.registry.versions import SIGNATURE
from sfcmt.testing.tiny import write_tiny
from sfcmt.tuning.models import SERVED

CODE = Path(sfcmt.reports.registry.__file__).with_name("served_model.py")


def saved(folder: Path, bits: int, holes: Holes, channels: int = 1, translator: str = "copy") -> TargetModel:
    """A model that nothing has trained, saved as MLflow's in `folder`/mlflow."""
    torch.manual_seed(0)
    dataset = Dataset(write_tiny(folder / "data", rows=6, bits=bits, holes=holes, channels=channels))
    spec = target_spec(dataset, source_spec(dataset, "small", 20), 20, translator)
    model = TargetModel(spec, BottleneckClassifier("small", len(spec.classes))).eval()
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


def noise(height: int, width: int, bits: int, channels: int) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 2 ** min(bits, 16), size=(channels, height, width))
    return encode(pixels.astype({8: np.uint8, 16: np.uint16, 32: np.float32}[bits]))


@pytest.mark.parametrize(
    ("bits", "holes", "channels", "translator"),
    [(8, "keep", 1, "copy"), (16, "mask", 1, "copy"), (32, "mask", 5, "copy"), (16, "mask", 1, "normals")],
)
def test_any_size_and_depth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: int, holes: Holes, channels: int, translator: str
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    model = saved(tmp_path, bits, holes, channels, translator)
    images = [noise(20, 20, bits, channels), noise(31, 57, bits, channels)]
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
