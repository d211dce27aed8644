"""Stages in several processes of this machine, and what happens when one of these does not come back."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import pytest

from sfcmt.artifact import Artifact, Row
from sfcmt.callbacks import Callback, What
from sfcmt.clusters.messages import Started
from sfcmt.clusters.stage_request import StageRequest
from sfcmt.data.dataset import Dataset
from sfcmt.errors import DataError, StoreError
from sfcmt.outputs import Outputs
from sfcmt.recipe import Recipe
from sfcmt.recipes import transfer_recipe
from sfcmt.store import Store
from sfcmt.testing.tiny import Recorder, tiny_experiment
from sfcmt.tuning import parallel
from sfcmt.tuning.comparison import Comparison
from sfcmt.tuning.parallel import train_in_processes


class Tale(Callback):
    """Remembers all that it hears of each stage, by name and seed."""

    def __init__(self) -> None:
        self.told: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        self.blocks: list[str] = []

    def _note(self, recipe: Recipe, what: str) -> None:
        self.told[recipe.name, recipe.seed].append(what)

    def doing(self, what: What) -> AbstractContextManager[None]:
        self.blocks.append(str(what))
        return nullcontext()

    def stage_waits(self, recipe: Recipe, reason: str) -> None:
        self._note(recipe, f"waits {reason}")

    def stage_opened(self, recipe: Recipe) -> None:
        self._note(recipe, "opened")

    def stage_started(self, recipe: Recipe, epochs: int) -> None:
        self._note(recipe, f"started {epochs}")

    def advanced(self, recipe: Recipe, epochs: float) -> None:
        self._note(recipe, f"advanced {epochs:g}")

    def epoch_ended(self, recipe: Recipe, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        self._note(recipe, f"epoch {row['epoch']:g}")

    def stage_ended(self, recipe: Recipe, artifact: Artifact) -> None:
        self._note(recipe, "ended")

    def stage_left(self, recipe: Recipe) -> None:
        self._note(recipe, "left")


def test_what_a_found_stage_stood_on_is_not_asked_for(trained: Comparison, tmp_path: Path) -> None:
    shutil.copytree(
        trained.store.root / "stages", tmp_path / "stages", ignore=shutil.ignore_patterns("source-*", "bridge-*")
    )
    comparison = Comparison(
        tiny_experiment(trained.dataset.folder, tmp_path), ["source_only", "tgkt"], [0, 1], oracles=False
    )
    recorder = Recorder()
    train_in_processes(comparison.transfers, comparison.experiment.runtime, comparison.store, recorder, jobs=2)
    assert recorder.ended == [("transfer", True)] * 4


@pytest.mark.slow
def test_an_error_of_a_process_is_the_commands_own(tiny_data: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    (folder / "source.parquet").unlink()
    experiment = tiny_experiment(folder, tmp_path / "store")
    recipe = transfer_recipe(experiment, Dataset(folder), 0)
    with pytest.raises(DataError, match=r"source\.parquet: missing"):
        train_in_processes([recipe], experiment.runtime, Store(tmp_path / "store"), Callback(), jobs=2)


@pytest.mark.slow
def test_this_process_hears_of_each_epoch_of_the_others(tiny_data: Path, tmp_path: Path) -> None:
    experiment, heard = tiny_experiment(tiny_data, tmp_path / "store"), Tale()
    recipes = [transfer_recipe(experiment, Dataset(tiny_data), seed) for seed in (0, 1)]
    train_in_processes(recipes, experiment.runtime, Store(tmp_path / "store"), heard, jobs=2)
    names = [(name, seed) for name in ("source", "bridge", "tgkt") for seed in (0, 1)]
    assert set(heard.told) == set(names)
    tale = ["waits for a free process", "opened", "started 2", "advanced 1", "epoch 1", "advanced 2", "epoch 2"]
    assert {name: heard.told[name] for name in names} == {name: [*tale, "ended"] for name in names}


def test_after_an_error_the_others_are_waited_for_however_much_they_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a pipe holds: who is not heard would wait for ever. Threads do the requests here."""

    def get_or_train(request: object, pipe: Connection) -> None:
        for number in range(5000):
            pipe.send(("source", Started(number)))

    monkeypatch.setattr(parallel, "_train", get_or_train)
    heard = Tale()
    with ThreadPoolExecutor(1) as pool:
        workers, request = parallel._Workers(pool), cast("StageRequest", None)
        future = workers.submit(request)
        with pytest.raises(StoreError, match="full"), workers.awaited(heard):
            raise StoreError("the disk is full")
        assert future.done()
    assert heard.blocks == ["waiting for the trainings that still run"]
