"""What is held out of adaptation reaches no weight: not the bridge's, nor those of a transfer with every term."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import SCHEMAS, Public, Split
from sfcmt.data.target_holdout import held_out
from sfcmt.errors import ConfigError, DataError
from sfcmt.evaluation.oracles import oracle_recipes
from sfcmt.experiment import Experiment
from sfcmt.file_digests import sha256_of
from sfcmt.outputs import Outputs
from sfcmt.stages.dry_run import dry_run
from sfcmt.testing.tiny import RECIPES, contents, get_or_train, recipe_of, tiny_experiment, write_tiny

HOLDOUT = {"target_holdout": 0.3}
TERMS = {"beta_im": 0.5, "beta_neighbours": 0.5, "start": "bn_adapt", "epochs": 1}


def experiment_on(folder: Path, store: Path, **data: float) -> Experiment[Any]:
    return tiny_experiment(folder, store, data=HOLDOUT | data, transfer=TERMS, bridge={"epochs": 1})


def repaint(folder: Path, rows: list[int]) -> None:
    """Put the image before it in the place of each of these target images."""
    path = folder / "target.parquet"
    table = pq.read_table(path)
    images = table["image"].to_pylist()
    for row in rows:
        images[row] = images[row - 1]
    pq.write_table(pa.table([table["id"], pa.array(images, pa.binary())], SCHEMAS[Split.TARGET]), path)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["target"]["sha256"] = sha256_of(path)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_other_images_there_change_no_weight_and_other_images_elsewhere_do(tmp_path: Path) -> None:
    weights, outputs = [], []
    for name in ("as it is", "held out", "adapted to"):
        folder = write_tiny(tmp_path / name)
        held = held_out(Dataset(folder), 0.3)
        if name != "as it is":
            repaint(folder, [*map(int, (held if name == "held out" else ~held).nonzero()[0])])
        experiment = experiment_on(folder, tmp_path / "store")
        bridge, transfer = (get_or_train(kind, experiment) for kind in ("bridge", "transfer"))
        weights.append((contents(bridge.path), contents(transfer.path)["model.safetensors"]))
        outputs.append(Outputs.load(transfer.path))
    assert weights[0] == weights[1]
    assert weights[0][0] != weights[2][0]
    assert weights[0][1] != weights[2][1]
    here, there, _ = outputs
    assert torch.equal(here.adapted_to.target_logits, there.adapted_to.target_logits)
    assert not torch.equal(here.target_logits, there.target_logits)


def test_it_is_in_the_identity_of_what_learns_from_target_images_alone(tiny_data: Path) -> None:
    off, on = (tiny_experiment(tiny_data, "store", data=data) for data in ({"target_holdout": 0}, HOLDOUT))
    without = tiny_experiment(tiny_data, "store")
    for kind in RECIPES:
        assert recipe_of(kind, off).identity == recipe_of(kind, without).identity
        assert (recipe_of(kind, on).identity == recipe_of(kind, without).identity) == (kind == "source")
    frames = Dataset(tiny_data).manifest.public[Public.FRAMES].sha256
    assert recipe_of("transfer", on).document["frames"] == frames
    assert "frames" not in recipe_of("transfer", off).document
    oracles = [[one.identity for one in oracle_recipes(one_, Dataset(tiny_data), [0])] for one_ in (on, off)]
    assert oracles[0] == oracles[1]


def test_too_few_images_to_adapt_to_are_told_before_anything_is_trained(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", rows=12, groups=12)
    experiment = experiment_on(folder, tmp_path / "store", target_holdout=1 - 1e-9)
    with pytest.raises(DataError, match="images of target to train on: 1; needed: 2"):
        dry_run([recipe_of("transfer", experiment)])


def test_a_pool_that_has_learned_from_held_out_images_does_not_teach(tiny_data: Path, tmp_path: Path) -> None:
    member = get_or_train("transfer", tiny_experiment(tiny_data, tmp_path, method="bn_adapt", transfer={}))
    experiment = tiny_experiment(
        tiny_data, tmp_path, method="pool_distillation", data=HOLDOUT, transfer={"pool": [member.identity]}
    )
    with pytest.raises(ConfigError, match=r"transfer.pool: .* that hold out all that data.target_holdout keeps out"):
        get_or_train("transfer", experiment)
