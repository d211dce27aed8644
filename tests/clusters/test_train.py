"""Groups of two workers against one: the same stages, through failures of every kind."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.util.state import list_actors

from sfcmt.artifact import Artifact, Row
from sfcmt.callbacks import Callback
from sfcmt.clusters.train import RayTrain
from sfcmt.experiment import Experiment
from sfcmt.outputs import Outputs
from sfcmt.recipe import Recipe
from sfcmt.stages.fit import DivergedError
from sfcmt.store import Store
from sfcmt.testing.tiny import recipe_of, tiny_experiment
from tests.ray_cluster import free_cpus, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]


class Watcher(Callback):
    """Notes epochs and how many CPUs are free; does `act` after an epoch."""

    def __init__(self, act: Callable[[int], None] = lambda epoch: None) -> None:
        self._act = act
        self.started: list[tuple[str, int]] = []
        self.epochs: list[int] = []
        self.free: set[float] = set()
        self.outputs: Outputs | None = None

    def stage_started(self, recipe: Recipe, epochs: int) -> None:
        self.started.append((recipe.kind, epochs))

    def epoch_ended(self, recipe: Recipe, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        self.epochs.append(int(row["epoch"]))
        self.free.add(free_cpus())
        self.outputs = outputs()
        self._act(int(row["epoch"]))


@pytest.fixture(scope="module")
def trainer(connected: None) -> Iterator[RayTrain]:
    """One group for all tests: a new one takes seconds to start."""
    with RayTrain(wants_outputs=True) as trainer:
        yield trainer


@pytest.fixture
def store(tiny_store: Path, tmp_path: Path) -> Path:
    """A store of the test's own with the source model and the bridge of the tiny experiment."""
    shutil.copytree(tiny_store / "stages", tmp_path / "stages")
    return tmp_path


def experiment(data: Path, store: Path, **transfer: Any) -> Experiment[Any]:
    return tiny_experiment(data, store, runtime={"workers": 2}, transfer={"epochs": 3} | transfer)


def train(experiment: Experiment[Any], trainer: RayTrain, callback: Callback) -> Artifact:
    store = Store(experiment.runtime.store, trainer)
    return store.get_or_train(recipe_of("transfer", experiment), experiment.runtime, callback)


def workers() -> list[int]:
    """Process ids of the group's workers."""
    alive = [("class_name", "=", "RayTrainWorker"), ("state", "=", "ALIVE")]
    return [actor.pid for actor in list_actors(ray.get_runtime_context().gcs_address, alive, detail=True)]


def test_two_workers_learn_what_one_does(tiny_data: Path, tmp_path: Path, trainer: RayTrain) -> None:
    pair, alone = Watcher(), Watcher()
    two = train(experiment(tiny_data, tmp_path / "two"), trainer, pair)
    lone = tiny_experiment(tiny_data, tmp_path / "one", transfer={"epochs": 3})
    one = Store(lone.runtime.store, RayTrain()).get_or_train(recipe_of("transfer", lone), lone.runtime, alone)
    assert two.identity == one.identity
    assert pair.started == alone.started == [("source", 2), ("bridge", 2), ("transfer", 3)]
    assert pair.epochs == alone.epochs == [1, 2, 1, 2, 1, 2, 3]
    assert (pair.free, alone.free) == ({2.0}, {2.0})  # one worker takes nothing more than the waiting group has
    for row, expected in zip(two.curves, one.curves, strict=True):
        assert row == pytest.approx(expected, rel=1e-2, abs=1e-3)
    outputs, told = Outputs.load(two.path), pair.outputs
    assert told is not None
    assert told.target_logits.allclose(outputs.target_logits, atol=1e-4)


def test_a_killed_worker_costs_no_epoch_that_was_finished(tiny_data: Path, store: Path, trainer: RayTrain) -> None:
    undisturbed = train(experiment(tiny_data, store, epochs=3, lr=1e-3), trainer, Watcher())
    shutil.rmtree(undisturbed.path)

    def kill(now: int) -> None:
        if now == 2:
            os.kill(workers()[-1], signal.SIGKILL)

    watcher = Watcher(kill)
    killed = train(experiment(tiny_data, store, epochs=3, lr=1e-3), trainer, watcher)
    assert watcher.epochs == [1, 2, 3]
    assert watcher.started == [("transfer", 3)]
    for row, expected in zip(killed.curves, undisturbed.curves, strict=True):
        assert row == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_a_training_that_diverges_says_so_in_one_line_and_the_group_goes_on(
    tiny_data: Path, store: Path, trainer: RayTrain
) -> None:
    train(experiment(tiny_data, store, epochs=1), trainer, Watcher())
    before = workers()
    with pytest.raises(DivergedError, match=r"^tgkt: diverged in epoch 1 \(.*\); lower the lr$"):
        train(experiment(tiny_data, store, lr=1e18), trainer, Watcher())
    train(experiment(tiny_data, store, epochs=2), trainer, Watcher())
    assert workers() == before


def test_an_exception_of_a_callback_ends_the_training_after_that_epoch(
    tiny_data: Path, store: Path, trainer: RayTrain
) -> None:
    def stop(now: int) -> None:
        raise LookupError(now)

    for epochs in (4, 5):
        with pytest.raises(LookupError, match="1"):
            train(experiment(tiny_data, store, epochs=epochs), trainer, Watcher(stop))
    watcher = Watcher()
    train(experiment(tiny_data, store, epochs=4), trainer, watcher)
    assert watcher.epochs == [1, 2, 3, 4]


def test_a_closed_group_leaves_nothing_behind(tiny_data: Path, store: Path, trainer: RayTrain) -> None:
    train(experiment(tiny_data, store, epochs=1), trainer, Watcher())
    assert free_cpus() == 2
    trainer.close()
    assert wait_until(lambda: free_cpus() == 4, 5)
    assert wait_until(lambda: workers() == [], 5)


def test_a_group_takes_what_the_cluster_has(tiny_data: Path, store: Path, trainer: RayTrain) -> None:
    trainer.close()
    watcher = Watcher()
    runtime = {"workers": [1, 8], "cpus_per_worker": 2}
    elastic = tiny_experiment(tiny_data, store, runtime=runtime, transfer={"epochs": 1})
    train(elastic, trainer, watcher)
    assert watcher.free == {0.0}
