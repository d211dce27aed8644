"""Folders of Hugging Face's: what is read of them, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from sfcmt.config import GivenSourceConfig
from sfcmt.errors import ConfigError, ModelError
from sfcmt.models.given import GivenSource
from sfcmt.testing.source_models import CLASSES, SIZE
from tests.models.sources.networks import hf_folder

pytest.importorskip("transformers")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small vision transformer."""
    hf_folder("ViT", tmp_path)
    return tmp_path


def source(folder: Path, **fields: Any) -> GivenSource:
    return GivenSource(GivenSourceConfig(model=f"hf:{folder}", **fields))


def edit(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_classes_and_input_are_its_own(folder: Path) -> None:
    found = source(folder)
    assert found.classes == CLASSES
    assert (found.input.size, found.input.mean, found.input.resize.interpolation) == (SIZE, (0.5,) * 3, "bicubic")


@pytest.mark.parametrize(
    ("fields", "size", "crop"),
    [
        (
            {"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}, "do_center_crop": True},
            224,
            0.875,
        ),
        ({"size": {"shortest_edge": 224}, "crop_pct": 0.875}, 224, 0.875),
        ({"size": 40}, 40, None),
        ({"size": {"height": 48, "width": 48}, "do_rescale": False, "do_normalize": False}, 48, None),
    ],
)
def test_what_its_processor_does(folder: Path, fields: dict[str, Any], size: int, crop: float | None) -> None:
    edit(folder / "preprocessor_config.json", **fields)
    found = source(folder).input
    assert (found.size, found.resize.crop) == (size, crop)
    if not fields.get("do_normalize", True):
        assert (found.mean, found.std, found.range) == ((0, 0, 0), (1, 1, 1), 255)


def test_without_a_processor_it_says_what_it_takes(folder: Path) -> None:
    (folder / "preprocessor_config.json").unlink()
    _, notes = source(folder).classifier(SIZE)
    assert notes == ("no preprocessor_config.json: its input is taken to be ImageNet's; source.input overrides",)


def test_another_size_is_resampled(folder: Path) -> None:
    classifier, _ = source(folder).classifier(2 * SIZE)
    assert classifier(torch.zeros(2, 3, 2 * SIZE, 2 * SIZE)).logits_BK.shape == (2, 3)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"auto_map": {"AutoModel": "mine.Model"}}, "asks for code of its own (auto_map), which is never run"),
        ({"problem_type": "multi_label_classification"}, "a multi-label model"),
        ({"architectures": ["ViTModel"]}, "ViTModel is none of transformers' models for image classification"),
        ({"architectures": ["os"]}, "os is none of transformers' models for image classification"),
        ({"hidden_size": 24}, "the weights do not fit it: "),
        ({"hidden_size": 2**20}, "parameters, but the weights hold"),
        ({"hidden_size": "wide"}, "config.json: Validation error for field 'hidden_size'"),
        ({"patch_size": 0}, "config.json: integer division or modulo by zero"),
        ({"hidden_act": "none of them"}, "config.json: 'none of them'"),
        ({"model_type": "none of them"}, "config.json: Unrecognized model identifier"),
        ({"id2label": ["cat"]}, "config.json: id2label: Input should be a valid dictionary"),
        ({"architectures": []}, "config.json: architectures: Tuple should have at least 1 item"),
    ],
)
def test_what_cannot_be_read_is_one_line(folder: Path, fields: dict[str, Any], says: str) -> None:
    edit(folder / "config.json", **fields)
    with pytest.raises(ModelError) as caught:
        source(folder).classifier(SIZE)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fields", [{"image_mean": [0.5]}, {"size": "large"}, {"resample": 9}, {"crop_pct": "all"}])
def test_a_processor_that_makes_no_sense_is_one_line(folder: Path, fields: dict[str, Any]) -> None:
    edit(folder / "preprocessor_config.json", **fields)
    with pytest.raises(ModelError, match=rf"preprocessor_config\.json: {next(iter(fields))}"):
        _ = source(folder).input


def test_a_folder_without_its_files_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"holds no weights \(model.safetensors or pytorch_model.bin\)"):
        source(folder).classifier(SIZE)
    (folder / "config.json").unlink()
    with pytest.raises(ConfigError, match=r"hf:FOLDER, with a config\.json in it"):
        _ = source(folder).classes


def test_missing_and_left_over_weights_are_told(folder: Path) -> None:
    path = folder / "model.safetensors"
    state = load_file(path)
    save_file({f"other.{name}" if name == "classifier.bias" else name: state[name] for name in state}, path)
    with pytest.raises(ModelError, match=r"1 missing \(classifier\.bias\); 1 unexpected \(other\.classifier\.bias\)"):
        source(folder).classifier(SIZE)


def test_parts_of_weights_are_put_together(folder: Path) -> None:
    before = source(folder).classifier(SIZE)[0].eval()
    state, digest = load_file(folder / "model.safetensors"), source(folder).identity["digest"]
    names = sorted(state)
    parts = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, own in parts.items():
        save_file({name: state[name] for name in own}, folder / file)
    index = {"weight_map": {name: file for file, own in parts.items() for name in own}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model.safetensors").unlink()
    x = torch.randn(2, 3, SIZE, SIZE)
    assert torch.equal(source(folder).classifier(SIZE)[0].eval()(x).logits_BK, before(x).logits_BK)
    assert source(folder).identity["digest"] != digest
