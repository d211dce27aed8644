"""The examples: classifiers that know nothing of sfcmt, and how they are carried over."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import pytest
import yaml

from sfcmt.callbacks import Callback
from sfcmt.data.dataset import Dataset
from sfcmt.data.importer import import_dataset
from sfcmt.data.schema import Split
from sfcmt.experiment import load_experiment
from sfcmt.tuning.comparison import Comparison
from tests import command
from tests.database import new_database

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parents[1] / "examples"
MODELS = {
    "resnet18": ["source.model=torchvision:resnet18", "source.weights=resnet18.pth", "source.classes=resnet18.txt"],
    "vit": ["source.model=hf:vit"],
}


def example(name: str, *arguments: str) -> None:
    """Run a script, in this process: what it imports is there already."""
    import sfcmt.models.compat  # noqa: F401  (where torchvision is of another build than torch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [name, *arguments])
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images, a data set without source images, and both models, hardly trained."""
    pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("desk")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        example("make_images", "images", "--source=36", "--pairs=24", "--target=36", "--size=32")
        example("train_resnet18", "images/rgb", "resnet18.pth", "--epochs=1", "--size=32")
        example("train_vit", "images/rgb", "vit", "--epochs=1", "--size=32")
    import_dataset(folder / "images" / "transfer", folder / "data", None, {})
    return folder


def test_the_data_set_holds_no_source_image(desk: Path) -> None:
    dataset = Dataset(desk / "data")
    assert dataset.splits == (Split.PAIRS, Split.TARGET)
    assert sorted(path.name for path in (desk / "images" / "rgb").iterdir()) == sorted(dataset.classes)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_carried_over(desk: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(desk)
    tiny = ["data=data", "data.size=32", "transfer.epochs=1", "transfer.batch=12", "runtime.threads=1"]
    comparison = Comparison(load_experiment("robust", [*MODELS[name], *tiny]), ["source_only", "robust_tgkt"], [0])
    comparison.train(Callback())
    assert set(comparison.scores()) == {("source_only", 0), ("robust_tgkt", 0)}
    assert sorted(comparison.dataset.classes) == sorted(Dataset(desk / "data").classes)


@pytest.mark.long
@pytest.mark.parametrize("name", MODELS)
def test_it_is_searched_ablated_promoted_asked_and_exported(desk: Path, name: str) -> None:
    """By the commands, from the same folder."""
    variables = os.environ | {"MLFLOW_TRACKING_URI": new_database(desk), "COLUMNS": "200"}
    fields = [*MODELS[name], "data=data", "data.size=32", "transfer.epochs=1", "transfer.batch=12"]
    search = {"space": {"transfer.beta_im": {"choice": [0.5, 1.0]}}, "search": {"sampler": "random", "trials": 2}}
    ablation = {"design": "one_at_a_time", "factors": {"infomax": {"transfer.beta_im": 0}}, "seeds": 2}
    for file, spec in {"search": search | {"objective": {"validator": "infomax"}}, "ablation": ablation}.items():
        (desk / f"{name}-{file}.yaml").write_text(yaml.safe_dump({"experiment": "robust"} | spec))

    def sfcmt(*arguments: str) -> str:
        done = command.run("-m", "sfcmt", *arguments, cwd=desk, env=variables)
        assert done.returncode == 0, done.stderr
        return done.stdout

    sfcmt("tune", f"{name}-search.yaml", *fields)
    sfcmt("ablate", f"{name}-ablation.yaml", *fields)
    sfcmt("promote", f"{name}-search", "--model", name)
    image = str(next((desk / "images" / "transfer" / "target").glob("*.png")))
    assert set(Dataset(desk / "data").classes) & set(sfcmt("predict", f"models:/{name}@challenger", image).split())
    sfcmt("export", f"models:/{name}@challenger", "--format", "pt2", "--output", f"{name}.pt2")
    assert (desk / f"{name}.pt2").stat().st_size > 0
