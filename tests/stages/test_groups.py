"""The contract of groups: whatever a store can hold, a group of workers makes of it what one worker does.

Each worker is a process with a copy of the object store of its own, as on a machine of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from sfcmt.artifact import Artifact
from sfcmt.callbacks import Callback
from sfcmt.data.dataset import Dataset
from sfcmt.evaluation.oracles import real_source_recipe, supervised_recipe
from sfcmt.experiment import Experiment
from sfcmt.recipe import Recipe
from sfcmt.stages.method import METHODS
from sfcmt.store import Store, Trainer
from sfcmt.testing.tiny import recipe_of, tiny_experiment, write_tiny
from sfcmt.workspace import train_here
from tests.groups import trainer_of

pytestmark = pytest.mark.slow

BATCH = 7
ORACLES = {"supervised": supervised_recipe, "real source": real_source_recipe}
GENTLE: dict[str, Any] = {"batch": BATCH, "optimiser": "sgd", "lr": 1e-3, "epochs": 1}
"""With plain gradients, float32 stays float32: AdamW would make a step of what is nought but for rounding."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("data") / "tiny", rows=3 * BATCH, groups=9)


def experiment_of(data: Path, store: str, method: str, workers: int) -> Experiment[Any]:
    trains = {"transfer": GENTLE} if METHODS[method].trains else {}
    sections = {"source": GENTLE, "bridge": GENTLE, **trains, "data": {"size": 16}}
    return tiny_experiment(data, store, **sections, method=method, runtime={"workers": workers})


def made(wanted: str, data: Path, store: str, trainer: Trainer, workers: int) -> Artifact:
    """An oracle, or the transfer of a method, with all that it stands on."""
    method = wanted if wanted in METHODS else "tgkt"
    experiment = experiment_of(data, store, method, workers)
    oracle = ORACLES.get(wanted)
    recipe: Recipe = oracle(experiment, Dataset(data), 0) if oracle else recipe_of("transfer", experiment)
    return Store(store, trainer).get_or_train(recipe, experiment.runtime, Callback())


def tensors(artifact: Artifact) -> dict[str, Tensor]:
    files = sorted(artifact.path.glob("*.safetensors"))
    return {f"{file.stem}/{name}": tensor for file in files for name, tensor in load_file(file).items()}


@pytest.mark.parametrize(
    ("store", "workers", "wanted"),
    [
        ("s3", 2, ["supervised"]),
        *(
            pytest.param(store, workers, [*ORACLES, *METHODS], marks=pytest.mark.long)
            for store in ("local", "s3")
            for workers in (2, 3)
        ),
    ],
)
def test_a_group_makes_what_one_worker_makes(
    data: Path,
    endpoint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    store: str,
    workers: int,
    wanted: list[str],
) -> None:
    monkeypatch.setenv("SFCMT_CACHE", str(tmp_path / "driver"))
    remote = f"s3://bucket/{tmp_path.name}?endpoint_override={endpoint}"
    place = remote if store == "s3" else str(tmp_path / "together")
    group = trainer_of(workers, tmp_path / "machines")
    for one in wanted:
        together = made(one, data, place, group, workers)
        alone = made(one, data, str(tmp_path / "alone"), train_here, 1)
        assert together.identity == alone.identity
        found, expected = tensors(together), tensors(alone)
        assert found.keys() == expected.keys() != set()
        for name, tensor in expected.items():
            torch.testing.assert_close(found[name], tensor, rtol=1e-3, atol=2e-4, msg=f"{one}: {name}")
