"""Exported programs, run by a Python that has torch and none of our code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import sfcmt
from sfcmt.models.export.card import card_of
from sfcmt.models.export.writing import export_model
from tests.models.export.models import CHANGES, images, probabilities, trained

pytestmark = pytest.mark.slow
CODE = """
import json, sys
sys.modules |= dict.fromkeys(["sfcmt", "timm", "torchvision"])  # importing one is an error
import torch
for folder in sys.argv[1:]:
    extra = {"card.json": ""}
    program = torch.export.load(f"{folder}/model.pt2", extra_files=extra).module()
    batches = torch.load(f"{folder}/images")
    torch.save([program(x) for x in batches], f"{folder}/answers")
    print(json.dumps(json.loads(extra["card.json"])))
"""


def test_torch_alone_agrees_for_batches_of_any_size(tmp_path: Path) -> None:
    expected, cards = {}, []
    for name in (name for name in CHANGES if "copied" not in name):  # its parts are in these, too
        folder, model = tmp_path / name.replace(" ", "-"), trained(**CHANGES[name])
        folder.mkdir()
        exported = export_model(model, model.spec, "pt2", folder / "model.pt2")
        assert exported.difference is not None
        assert exported.difference < 1e-5
        assert [path.name for path in folder.iterdir()] == ["model.pt2"]
        assert str(Path(sfcmt.__file__).parent).encode() not in (folder / "model.pt2").read_bytes()
        batches = [images(model, count) for count in (1, 7)]
        torch.save(batches, folder / "images")
        expected[folder] = [probabilities(model, x_BCHW) for x_BCHW in batches]
        cards.append(card_of(model.spec))
    command = [sys.executable, "-I", "-c", CODE, *map(str, expected)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for folder, answers in expected.items():
        torch.testing.assert_close(torch.load(folder / "answers"), answers, atol=1e-4, rtol=0)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [json.loads(json.dumps(card)) for card in cards]
