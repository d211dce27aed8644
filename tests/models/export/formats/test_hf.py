"""Hugging Face's folder: opened as its users do, it says what the model says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sfcmt.classify import classify
from sfcmt.config import GivenSourceConfig
from sfcmt.data.manifest import Normalisation
from sfcmt.errors import ModelError
from sfcmt.models.expected_input import MEAN, STD, Resize
from sfcmt.models.export.formats.hf import CARD
from sfcmt.models.export.writing import export_model
from sfcmt.models.given import GivenSource
from sfcmt.models.target_model import TargetModel, given_spec
from sfcmt.testing.source_models import CLASSES, SIZE
from tests.models.sources.networks import hf_folder
from tests.models.test_target_model import make

transformers = pytest.importorskip("transformers")
GREY = Normalisation(mean=(120.0,), std=(60.0,))


def adapted(
    folder: Path, name: str = "ViT", size: int = SIZE, config: dict[str, Any] | None = None, **changes: Any
) -> TargetModel:
    """A model of one channel of 8 bits on top of one of transformers'."""
    folder.mkdir(exist_ok=True)
    hf_folder(name, folder)
    source = GivenSource(GivenSourceConfig(model=f"hf:{folder}", **config or {}))
    classifier, _ = source.classifier(size)
    spec = given_spec(source.config.model, classifier, source.classes, size)
    ours = {"modality": "thermal", "channels": 1, "normalisation": GREY}
    model = TargetModel(spec.model_copy(update=ours | changes), classifier)
    with torch.no_grad():
        for parameter in model.classifier.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ViT", "ConvNext", "Swin"])
def test_its_users_get_the_same_probabilities(tmp_path: Path, name: str) -> None:
    model = adapted(tmp_path / "theirs", name)
    exported = export_model(model, model.spec, "hf", tmp_path / "mine.hf")
    assert exported.difference is not None
    assert exported.difference < 1e-5
    network = transformers.AutoModelForImageClassification.from_pretrained(tmp_path / "mine.hf")
    assert type(network).__name__ == f"{name}ForImageClassification"
    assert [network.config.id2label[place] for place in range(3)] == list(CLASSES)
    assert json.loads((tmp_path / "mine.hf" / CARD).read_text())["model"] == json.loads(model.spec.model_dump_json())
    assert {path.name for path in tmp_path.iterdir()} == {"theirs", "mine.hf"}


@pytest.mark.parametrize("crop", [None, 0.875])
def test_files_of_other_sizes_are_resized_alike(tmp_path: Path, crop: float | None) -> None:
    """Pillow and torchvision round in different ways: by a level or two of 255."""
    model = adapted(tmp_path / "theirs", resize=Resize(interpolation="bilinear", crop=crop))
    export_model(model, model.spec, "hf", tmp_path / "mine.hf")
    smooth = np.add.outer(np.arange(50), 2 * np.arange(90)).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "image.png")
    (ours,) = classify(model, model.spec, [tmp_path / "image.png"])
    (theirs,) = transformers.pipeline("image-classification", str(tmp_path / "mine.hf"), top_k=3)(
        [str(tmp_path / "image.png")]
    )
    assert {one["label"]: one["score"] for one in theirs} == pytest.approx(ours.probabilities, abs=2e-3)


def test_again_it_is_a_source_model(tmp_path: Path) -> None:
    model = adapted(tmp_path / "theirs")
    export_model(model, model.spec, "hf", tmp_path / "mine.hf")
    source = GivenSource(GivenSourceConfig(model=f"hf:{tmp_path / 'mine.hf'}"))
    assert source.classes == CLASSES
    std = [60 / 255 * 0.5 / one for one in STD]
    assert source.input.std == pytest.approx(std)
    shifts = [(mean - 0.5) / 0.5 * one for mean, one in zip(MEAN, std, strict=True)]
    assert source.input.mean == pytest.approx([120 / 255 - shift for shift in shifts])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bits": 16}, "its images have 1 channel(s) of 16 bits; allowed: 1 or 3 of 8 bits"),
        ({"holes": "mask"}, "holes of its images are treated (holes: mask)"),
        ({"size": 48}, "it was adapted at 48 pixels, which is not its own size"),
        ({"name": "DeiT"}, "it has two heads"),
        (
            {"config": {"classes": {"a": [0], "b": [1, 2]}}},
            "its classes are not the network's outputs, one by one",
        ),
        ({"config": {"input": {"order": "bgr"}}}, "its channels are in the order blue, green, red"),
    ],
)
def test_what_no_stock_processor_does_is_refused(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    model = adapted(tmp_path / "theirs", **changes)
    with pytest.raises(ModelError, match=f"^hf: no stock network and processor .* this: {re.escape(reason)}$"):
        export_model(model, model.spec, "hf", tmp_path / "mine.hf")
    assert not (tmp_path / "mine.hf").exists()


def test_a_network_that_is_not_theirs_is_refused(tmp_path: Path) -> None:
    model = make()
    with pytest.raises(ModelError, match="the source model small is none of Hugging Face's"):
        export_model(model, model.spec, "hf", tmp_path / "mine.hf")
