"""A transfer that starts from a model that was trained elsewhere, on a data set without any source image."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from sfcmt.callbacks import Callback
from sfcmt.data.dataset import Dataset
from sfcmt.data.images import decode, resize
from sfcmt.data.schema import Split
from sfcmt.errors import ConfigError, DataError, ModelError
from sfcmt.evaluation.labels import open_labels
from sfcmt.evaluation.oracles import oracle_logits, supervised_recipe
from sfcmt.experiment import Experiment, parse_experiment
from sfcmt.models.target_model import TargetModel
from sfcmt.outputs import Outputs
from sfcmt.recipes import bridge_recipe, source_recipe, transfer_recipe
from sfcmt.stages.method import METHODS
from sfcmt.store import Store
from sfcmt.task import open_task
from sfcmt.testing.tiny import CLASSES, write_tiny
from tests.models.sources.networks import hf_folder, timm_network

REVERSED = CLASSES[::-1]
BATCHNORM = ("test_resnet", "test_efficientnet", "mobilenetv3_small_050", "regnetx_002")
OTHERS = ("test_convnext", "test_vit", "Swin", "DeiT")
"""The last two are of transformers."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny data set as somebody has it who never saw a source image."""
    return write_tiny(tmp_path_factory.mktemp("given") / "data", source_images=False)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


def network(name: str) -> nn.Module:
    return timm_network(name, size=160 if name == "test_vit" else 32)


def hugging_face(name: str, store: Path) -> Path:
    """A folder of one of transformers' models."""
    folder = store / name
    if not folder.exists():
        folder.mkdir()
        hf_folder(name, folder)
    return folder


def experiment(data: Path, store: Path, name: str = "test_resnet", **changes: Any) -> Experiment[Any]:
    path = store / f"{name}.pth"
    if name[0].isupper():
        source: dict[str, Any] = {"model": f"hf:{hugging_face(name, store)}"}
    else:
        if not path.exists():
            torch.save(network(name).state_dict(), path)
        source = {"model": f"timm:{name}", "weights": str(path), "classes": list(REVERSED)}
    source |= changes.pop("source", {})
    method = changes.pop("method", "source_only")
    fields = {"epochs": 1, "batch": 16} | changes.pop("transfer", {})
    runtime = {"device": "cpu", "threads": 1, "store": str(store)}
    own = METHODS[method].Config.model_fields
    transfer = {field: value for field, value in fields.items() if field in own}
    raw = {"method": method, "data": {"folder": str(data), "size": 32}, "source": source, "transfer": transfer}
    return parse_experiment(raw | {"runtime": runtime} | changes)


def trained(one: Experiment[Any], make: Any = transfer_recipe) -> Any:
    store = Store(one.runtime.store)
    return store.get_or_train(make(one, open_task(one, store.root), 0), one.runtime, Callback())


def test_a_data_set_without_source_images(data: Path) -> None:
    dataset = Dataset(data)
    assert dataset.splits == (Split.PAIRS, Split.TARGET)
    assert not (data / "source.parquet").exists()
    with pytest.raises(DataError, match=r"has no source\.parquet; without it, name a model of yours: source\.model"):
        _ = source_recipe(parse_experiment({}), dataset, 0).identity


def test_source_images_reach_it_as_it_expects_them(data: Path, store: Path) -> None:
    """Resized, cropped, scaled, normalised: compared with what one would write by hand."""
    one = experiment(data, store)
    outputs = Outputs.load(trained(one).path)
    from sfcmt.models.expected_input import Resize

    how = Resize(interpolation="bilinear", crop=0.95)
    encoded = Dataset(data).table(Split.PAIRS)["source_image"].to_pylist()
    pixels = torch.stack([torch.from_numpy(resize(decode(image, ""), 32, how=how)) for image in encoded])
    with torch.no_grad():
        by_hand = network("test_resnet")((pixels / 255 - 0.5) / 0.5)
    rows = [int((by_hand - logits).abs().sum(dim=1).argmin()) for logits in outputs.pair_source_logits]
    assert len(rows) == len(set(rows)) > 1
    torch.testing.assert_close(by_hand[rows], outputs.pair_source_logits, rtol=1e-3, atol=1e-3)


def test_labels_match_by_name_in_any_order(data: Path, store: Path) -> None:
    """The data set's first class is the model's last."""
    own = open_labels(Dataset(data)).labels_N
    found = open_labels(open_task(experiment(data, store), store)).labels_N
    assert torch.equal(found, len(CLASSES) - 1 - own)


def test_classes_that_the_model_does_not_know_are_refused(data: Path, store: Path) -> None:
    one = experiment(data, store, source={"classes": ["across", "down", "sideways"]})
    with pytest.raises(DataError, match="its classes centre are none of the model's: across, down, sideways"):
        open_task(one, store)


def test_an_arm_with_the_classes_in_another_order_is_refused(data: Path, store: Path) -> None:
    dataset = open_task(experiment(data, store), store)
    with pytest.raises(ConfigError, match="the classes that the data set was opened with: centre, down, across"):
        source_recipe(experiment(data, store, source={"classes": list(CLASSES)}), dataset, 0)


def test_the_seed_and_the_data_change_nothing_of_what_is_brought(data: Path, store: Path, tmp_path: Path) -> None:
    other = write_tiny(tmp_path / "other", rows=30, source_images=False)
    experiments = [experiment(folder, store) for folder in (data, other)]
    recipes = [source_recipe(one, open_task(one, store), seed) for one in experiments for seed in (0, 1)]
    assert len({recipe.identity for recipe in recipes}) == 1


def test_its_file_is_read_once_and_not_needed_again(data: Path, store: Path, tmp_path: Path) -> None:
    """The store has what runs."""
    mine = tmp_path / "mine.pth"
    one = experiment(data, store)
    shutil.copy(str(one.source.weights), mine)  # type: ignore[union-attr]
    own = experiment(data, store, source={"weights": str(mine)}, method="bn_adapt")
    before = trained(own)
    assert trained(own).reused
    mine.unlink()
    assert TargetModel.load(before.path).spec.classes == REVERSED


@pytest.mark.slow
@pytest.mark.parametrize("method", ["source_only", "bn_adapt", "robust_tgkt"])
@pytest.mark.parametrize("name", ["test_resnet", "test_vit"])
def test_methods_start_from_it(data: Path, store: Path, name: str, method: str) -> None:
    artifact = trained(experiment(data, store, name, method=method))
    model, outputs = TargetModel.load(artifact.path), Outputs.load(artifact.path)
    assert model.spec.classes == REVERSED
    assert outputs.target_features.shape[1] == {"test_resnet": 96, "test_vit": 64}[name]
    assert torch.isfinite(outputs.target_logits).all()
    adapted = any("no batch norm" in note for note in artifact.notes)
    assert adapted == (name == "test_vit" and method == "bn_adapt")


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", BATCHNORM + OTHERS)
def test_every_method_starts_from_every_family(data: Path, store: Path, name: str, method: str) -> None:
    transfer = {"beta_bn": 0} if name in OTHERS else {}
    artifact = trained(experiment(data, store, name, method=method, transfer=transfer))
    assert torch.isfinite(Outputs.load(artifact.path).target_logits).all()


def test_what_rests_on_batch_norm_says_so_before_it_trains(data: Path, store: Path) -> None:
    with pytest.raises(ModelError, match=r"transfer\.beta_bn: rests on batch norm, .* set it to 0"):
        trained(experiment(data, store, "test_vit", method="socket"))
    bridge = {"bn_matching": 0.1, "epochs": 1}
    with pytest.raises(ModelError, match=r"bridge\.bn_matching: rests on batch norm"):
        trained(experiment(data, store, "test_vit", bridge=bridge), bridge_recipe)


@pytest.mark.slow
def test_the_supervised_oracle_starts_from_it(data: Path, store: Path) -> None:
    logits_NK = oracle_logits(trained(experiment(data, store), supervised_recipe))
    assert logits_NK.shape == (60, 3)
    assert torch.isfinite(logits_NK).all()
