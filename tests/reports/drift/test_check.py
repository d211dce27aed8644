"""A stage's model against new images: files or a data set, through the command."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfcmt.cli import main
from sfcmt.data.dataset import Dataset
from sfcmt.data.images import decode, encode
from sfcmt.data.schema import Split
from sfcmt.outputs import LOGITS, Outputs
from sfcmt.reports.drift.reference import FILE, find_reference, reference_of, save_reference
from sfcmt.reports.registry.predictions import Predictions
from sfcmt.testing.tiny import get_or_train, tiny_experiment, write_tiny


@pytest.fixture(scope="module")
def stage(tiny_data: Path, tiny_store: Path) -> Path:
    """A stage that holds some of the tiny data's target out."""
    data: dict[str, Any] = {"target_holdout": 0.3}
    return get_or_train(
        "transfer", tiny_experiment(tiny_data, tiny_store, method="bn_adapt", transfer={}, data=data)
    ).path


def told(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> str:
    """What the command prints; of a mistake, its line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["sfcmt", "drift", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    assert (ended.value.code or 0) == code
    said = capsys.readouterr()
    return said.err if code else said.out


def test_the_images_that_it_was_adapted_to_have_not_drifted(
    stage: Path, tiny_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = told(capsys, stage, tiny_data, "--adapted-to", tiny_data)
    held_out = Outputs.load(stage).held_out
    assert held_out is not None
    adapted = int((~held_out).sum())
    assert out.startswith(f"adapted to: {adapted} images of {adapted // 2} frames; new: 60 images of 30 frames\n")
    assert out.splitlines()[-1] == "Verdict: no drift"
    assert "note" not in out


def test_negatives_of_them_have_drifted_and_it_says_how_to_go_on(
    stage: Path, tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for row, image in enumerate(Dataset(tiny_data).table(Split.TARGET)["image"].to_pylist()):
        (tmp_path / f"{row}.png").write_bytes(encode(np.uint8(255) - decode(image, "")))
    lines = told(capsys, stage, tmp_path).splitlines()
    assert lines[-2:] == ["Verdict: adapt again", f"  sfcmt run EXPERIMENT data=DATA transfer.start={stage}"]
    assert sum(line.startswith("note: frames of the ") for line in lines) == 2
    found = json.loads(told(capsys, stage, tmp_path, "--json"))
    assert (found["verdict"], found["images"], found["frames"]) == ("adapt again", 60, 60)
    assert found["distance"]["size"] > found["distance"]["limit"]
    assert found["command"] in lines[-1]
    (tmp_path / "few").mkdir()
    (tmp_path / "0.png").rename(tmp_path / "few" / "0.png")
    assert told(capsys, stage, tmp_path / "few").splitlines()[-1] == "Verdict: too few images to say"


def test_a_version_of_an_older_release_has_predictions_only(
    stage: Path, tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = Outputs.load(stage)
    for name in ("model.json", "model.safetensors"):
        (tmp_path / name).write_bytes((stage / name).read_bytes())
    Predictions(outputs.target_logits).save(tmp_path)
    lines = told(capsys, tmp_path, tiny_data).splitlines()
    assert lines[-1] == "Verdict: only predictions can be compared"
    assert f"note: {tmp_path}: has no features of the images that it was adapted to: " in "\n".join(lines)
    save_reference(reference_of(outputs, Dataset(tiny_data).frames(Split.TARGET)), tmp_path)
    assert told(capsys, tmp_path, tiny_data).splitlines()[-1] == "Verdict: no drift"
    before, after = reference_of(outputs, None), find_reference(tmp_path, "", None)
    assert before.features_ND is not None
    assert after.features_ND is not None
    assert np.array_equal(after.features_ND, before.features_ND)
    assert after.has_frames


@pytest.mark.parametrize(
    ("place", "images", "message"),
    [
        ("stage", "nowhere", "nowhere: no such folder or file"),
        ("stage", "empty", "empty: no image below it"),
        ("stage", "other", r"other: has 2 channel\(s\) of 8 bits; the model takes 1 channel\(s\) of 8 bits"),
        ("bare", "tiny", "bare: holds nothing of the images that it was adapted to; name a stage or a registered"),
    ],
)
def test_mistakes_are_told_in_a_line(
    stage: Path,
    tiny_data: Path,
    tmp_path: Path,
    place: str,
    images: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bare, empty = tmp_path / "bare", tmp_path / "empty"
    for folder in (bare, empty):
        folder.mkdir()
    for name in ("model.json", "model.safetensors"):
        (bare / name).write_bytes((stage / name).read_bytes())
    assert not (bare / FILE).exists()
    assert not (bare / LOGITS).exists()
    other = write_tiny(tmp_path / "other", rows=6, channels=2) if images == "other" else tmp_path / "other"
    places = {"stage": stage, "bare": bare, "tiny": tiny_data, "empty": empty, "other": other}
    error = told(capsys, places[place], places.get(images, tmp_path / images), code=2)
    assert len(error.splitlines()) == 1
    assert re.search(message, error)


def test_frames_of_another_data_set_are_refused(
    stage: Path, tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_tiny(tmp_path / "other", rows=12)
    error = told(capsys, stage, tiny_data, "--adapted-to", other, code=2)
    assert f"{other}: not the data set that {stage} was adapted to" in error
