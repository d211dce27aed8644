"""What holds for every method of transfer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from sfcmt.data.dataset import Dataset
from sfcmt.data.images import decode
from sfcmt.data.schema import Split
from sfcmt.models.target_model import TargetModel
from sfcmt.outputs import OUTPUTS, Outputs
from sfcmt.stages.method import METHODS
from sfcmt.stages.setting import Setting
from sfcmt.store import Artifact
from tests.tiny import SIZE, contents, obtain, setting_of, tiny_experiment

EXPECTED = {
    *("source_only", "bn_adapt", "shot", "ti_distillation", "translator_only", "channel_copy", "socket", "aad"),
    *("tgkt", "robust_tgkt", "pool_distillation"),
}


def pixels(folder: Path, split: Split, column: str) -> torch.Tensor:
    """A column's stored pixels (N, C, SIZE, SIZE)."""
    encoded = Dataset(folder).table(split)[column].to_pylist()
    return torch.stack([torch.from_numpy(decode(data, column).copy()) for data in encoded])


def test_all_methods_are_registered() -> None:
    assert set(METHODS) == EXPECTED


@pytest.fixture(scope="module")
def source_free(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data set where neither TR source images nor anything sealed is left."""
    folder = Path(shutil.copytree(tiny_data, tmp_path_factory.mktemp("source-free") / "data"))
    (folder / "source.parquet").unlink()
    shutil.rmtree(folder / "sealed")
    return folder


@pytest.fixture(scope="module", params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    """Each method in turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def artifact(source_free: Path, tiny_store: Path, method: str) -> Artifact:
    """What the store has of it."""
    return obtain("transfer", tiny_experiment(source_free, tiny_store).with_method(method))


class Adapted(NamedTuple):
    """What a method was given, and made of it."""

    setting: Setting[Any]
    model: TargetModel


def adapt(source_free: Path, store: Path, method: str, folder: Path, seed: int) -> Adapted:
    torch.rand(3)  # what happened before must not matter
    setting = setting_of(tiny_experiment(source_free, store).with_method(method), folder / str(seed), seed)
    return Adapted(setting, METHODS[method]().adapt(setting))


@pytest.fixture(scope="module")
def adapted(source_free: Path, tiny_store: Path, method: str, tmp_path_factory: pytest.TempPathFactory) -> Adapted:
    """The same once more, outside the store."""
    return adapt(source_free, tiny_store, method, tmp_path_factory.mktemp(method), 0)


def test_gives_a_model_whose_answers_are_its_outputs(source_free: Path, artifact: Artifact) -> None:
    model, outputs = TargetModel.load(artifact.path), Outputs.load(artifact.path / OUTPUTS)
    x = pixels(source_free, Split.TARGET, "image")
    assert x.shape == (60, 1, SIZE, SIZE)
    with torch.no_grad():
        torch.testing.assert_close(model(x), outputs.target_logits, atol=1e-4, rtol=1e-4)
    assert outputs.target_features.shape == (60, 256)
    held = len(outputs.pair_logits)
    assert 0 < held < 60
    assert outputs.pair_features.shape == outputs.pair_source_features.shape == (held, 256)
    assert outputs.pair_source_logits.shape == (held, 3)


def test_held_out_pairs_are_seen_by_both_models(source_free: Path, tiny_store: Path, artifact: Artifact) -> None:
    outputs = Outputs.load(artifact.path / OUTPUTS)
    source = TargetModel.load(obtain("source", tiny_experiment(source_free, tiny_store)).path)
    model = TargetModel.load(artifact.path)
    near: dict[str, Any] = {"atol": 1e-4, "rtol": 1e-4}
    with torch.no_grad():
        seen = model(pixels(source_free, Split.PAIRS, "target_image"))
        real = source(pixels(source_free, Split.PAIRS, "source_image"))
    rows = [int((seen - logits).abs().sum(dim=1).argmin()) for logits in outputs.pair_logits]
    assert rows == sorted(set(rows))
    torch.testing.assert_close(seen[rows], outputs.pair_logits, **near)
    torch.testing.assert_close(real[rows], outputs.pair_source_logits, **near)


def test_changes_neither_the_source_model_nor_the_head(adapted: Adapted, method: str) -> None:
    setting, model = adapted
    stored = TargetModel.load(setting.workspace.artifact("source").path).classifier.state_dict()
    for name, tensor in setting.source.state_dict().items():
        assert torch.equal(tensor, stored[name]), name
    for name, tensor in model.classifier.head.state_dict().items():
        assert torch.equal(tensor, stored[f"head.{name}"]), name
    moved = [name for name, tensor in model.classifier.state_dict().items() if not torch.equal(tensor, stored[name])]
    assert bool(moved) == (method not in ("source_only", "translator_only"))
    assert any(name.endswith("conv1.weight") for name in moved) == METHODS[method].trains


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others_where_it_trains(
    source_free: Path, tiny_store: Path, tmp_path: Path, method: str, artifact: Artifact, adapted: Adapted
) -> None:
    both = (adapted, adapt(source_free, tiny_store, method, tmp_path, 1))
    for setting, model in both:
        model.save(setting.workspace.folder)
    same, other = (contents(setting.workspace.folder)["model.safetensors"] for setting, _ in both)
    assert same == contents(artifact.path)["model.safetensors"]
    if METHODS[method].trains:
        assert other != same


@pytest.mark.parametrize("trainer", [name for name in METHODS if METHODS[name].trains])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_learns_with_an_average_in_either_precision(
    source_free: Path, tiny_store: Path, tmp_path: Path, trainer: str, precision: str
) -> None:
    changes = {"ema": 0.5, "precision": precision, "teacher_view": "augmented", "epochs": 1, "freeze_depthwise": True}
    setting = setting_of(tiny_experiment(source_free, tiny_store, method=trainer, transfer=changes), tmp_path)
    model = METHODS[trainer]().adapt(setting)
    assert all(torch.isfinite(tensor).all() for tensor in model.state_dict().values())
    assert all(tensor.dtype in (torch.float32, torch.int64) for tensor in model.state_dict().values())
