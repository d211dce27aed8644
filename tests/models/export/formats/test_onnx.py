"""ONNX, run by onnxruntime."""

from __future__ import annotations

import json
from pathlib import Path

import onnxruntime
import pytest
import torch

import sfcmt
from sfcmt.errors import ModelError
from sfcmt.models.export.card import card_of
from sfcmt.models.export.formats import onnx
from sfcmt.models.export.writing import export_model
from tests.models.export.models import CHANGES, images, probabilities, trained


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CHANGES if "copied" not in name])  # its parts are in these, too
def test_onnxruntime_agrees_for_batches_of_any_size(tmp_path: Path, name: str) -> None:
    model, file = trained(**CHANGES[name]), tmp_path / "model.onnx"
    exported = export_model(model, model.spec, "onnx", file)
    assert exported.difference is not None
    assert exported.difference < 1e-5
    session = onnxruntime.InferenceSession(file)
    ((given,), (told,)) = (session.get_inputs(), session.get_outputs())
    assert (given.name, given.type, given.shape) == ("pixels", "tensor(float)", ["batch", 1, 32, 32])
    assert (told.name, told.type, told.shape) == ("probabilities", "tensor(float)", ["batch", 3])
    for count in (1, 7):
        x_BCHW = images(model, count)
        (found,) = session.run(None, {"pixels": x_BCHW.numpy()})
        torch.testing.assert_close(torch.from_numpy(found), probabilities(model, x_BCHW), atol=1e-4, rtol=0)
    card = session.get_modelmeta().custom_metadata_map
    assert json.loads(card["model"]) == json.loads(model.spec.model_dump_json())
    assert json.loads(card["preprocessing"]) == card_of(model.spec)["preprocessing"]
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]
    assert str(Path(sfcmt.__file__).parent).encode() not in file.read_bytes()


def test_a_missing_package_is_told_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "find_spec", lambda name: None if name == "onnxscript" else name)
    model = trained()
    with pytest.raises(ModelError, match=r"^onnx: needs onnxscript; install with: pip install 'sfcmt\[onnx\]'$"):
        export_model(model, model.spec, "onnx", tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_weights_that_need_a_second_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "_MOST_BYTES", 10_000)
    model = trained()
    with pytest.raises(ModelError, match=r"onnx: one file does not hold 1\d+ bytes of weights; pt2 and safetensors do"):
        export_model(model, model.spec, "onnx", tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_without_onnxruntime_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "find_spec", lambda _: None)
    assert onnx.Onnx().read(tmp_path / "model.onnx") is None
