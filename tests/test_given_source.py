"""The command on a data set that holds no source image, with a model that was trained elsewhere."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import torch

from sfcmt.models.target_model import TargetModel
from tests import command
from tests.data.trees import paired_tree
from tests.database import new_database
from tests.models.sources.networks import timm_network

pytestmark = pytest.mark.slow


class Desk:
    """A user's folder: a checkpoint, the names of its classes, images of the new modality, pairs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables = os.environ | {"MLFLOW_TRACKING_URI": new_database(folder), "COLUMNS": "100"}
        torch.save({"model": timm_network("test_resnet", 2).state_dict(), "epoch": 9}, folder / "mine.pth")
        (folder / "classes.txt").write_text("dog\ncat\n")
        self.images = paired_tree(folder)
        shutil.rmtree(self.images / "source")

    def run(self, *arguments: str) -> CompletedProcess[str]:
        """Run `sfcmt` to its end."""
        return command.run("-m", "sfcmt", *arguments, cwd=self.folder, env=self.variables)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


SOURCE = ("weights=mine.pth", "classes=classes.txt")
GIVEN = ("source.model=timm:test_resnet", *(f"source.{field}" for field in SOURCE), "data=data", "data.size=32")


def test_what_a_model_is_is_shown(desk: Desk) -> None:
    found = desk.run("source", "inspect", "timm:test_resnet", *SOURCE)
    assert found.returncode == 0, found.stderr
    lines = {line.split("  ")[0]: line.rstrip() for line in found.stdout.splitlines()}
    assert lines["head"].endswith("fc: 96 features, 2 outputs")
    assert lines["classes"].split() == ["classes", "dog,", "cat"]
    assert "160 x 160, bilinear, central 95% of the shorter side" in lines["input"]
    assert "taken are the weights under 'model'" in lines["note"]
    wrong = desk.run("source", "inspect", "timm:test_resnet", "weights=mine.pth", "input.order=brg")
    assert wrong.returncode == 2
    assert wrong.stderr == "error: source.input.order: 'brg' is not allowed; allowed: 'rgb' or 'bgr'\n"


def test_a_transfer_from_it(desk: Desk) -> None:
    """Imported, trained, used."""
    imported = desk.run("data", "import", str(desk.images), "data")
    assert imported.returncode == 0, imported.stderr
    assert "source" not in imported.stdout
    done = desk.run("run", "nyu-robust", *GIVEN, "transfer.epochs=1", "transfer.batch=4")
    assert done.returncode == 0, done.stderr
    records = (desk.folder / "sfcmt-store" / "stages").glob("transfer-*/artifact.json")
    (place,) = [path for path in records if json.loads(path.read_text())["recipe"]["name"] == "robust_tgkt"]
    assert TargetModel.load(place.parent).spec.classes == ("dog", "cat")
    image = next((desk.images / "target").rglob("*.png"))
    predicted = desk.run("predict", str(place.parent), str(image))
    assert predicted.returncode == 0, predicted.stderr
    assert {"dog", "cat"} & set(predicted.stdout.split())


def test_without_it_the_missing_images_are_told_in_one_line(desk: Desk) -> None:
    done = desk.run("run", "nyu-robust", "data=data", "data.size=32")
    assert done.returncode == 2
    assert "no source.parquet; without it, name a model of yours: source.model" in done.stderr
