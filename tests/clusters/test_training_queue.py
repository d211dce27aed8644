"""The order in which missing recipes are trained, and training them as tasks of a cluster."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import time
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from threading import Event
from typing import cast

import pytest
from ray.util.queue import Queue

from sfcmt.artifact import RESULT
from sfcmt.callbacks import Callback
from sfcmt.clusters import giving_way, tasks
from sfcmt.clusters.giving_way import GivesWayError, gives_way
from sfcmt.clusters.session import check_places, places
from sfcmt.clusters.stage_request import StageRequest
from sfcmt.clusters.tasks import train_on_cluster
from sfcmt.clusters.training_queue import train_missing
from sfcmt.config import Runtime
from sfcmt.data.dataset import Dataset
from sfcmt.errors import ConfigError, DataError, SfcmtError, StoreError
from sfcmt.recipe import Recipe
from sfcmt.recipes import TRANSFER, transfer_recipe
from sfcmt.store import Store
from sfcmt.testing.tiny import Recorder, recipe_of, tiny_experiment
from sfcmt.tuning.comparison import Comparison
from sfcmt.tuning.search.run import _check_resources
from sfcmt.tuning.search.spec import Resources
from sfcmt.workspace import Workspace


def train_nothing(workspace: Workspace) -> None:
    """A trainer for tests of the order only."""
    time.sleep(0.02)
    (workspace.folder / RESULT).write_text(json.dumps({"metrics": {}, "seconds": 0}))


class Office:
    """Serves requests in threads, and remembers them."""

    def __init__(self, store: Path) -> None:
        self._store, self._threads = Store(store, train_nothing), ThreadPoolExecutor(20)
        self.futures: list[Future[SfcmtError | None]] = []
        self.requested: list[str] = []
        self.most = 0

    def submit(self, request: StageRequest) -> Future[SfcmtError | None]:
        self.requested.append(f"{request.recipe().name} {request.recipe().seed}")
        self.futures.append(self._threads.submit(self._work, request))
        self.most = max(self.most, sum(not future.done() for future in self.futures))
        return self.futures[-1]

    def _work(self, request: StageRequest) -> None:
        assert all(map(self._store.find, request.recipe().upstream))
        self._store.get_or_train(request.recipe(), request.runtime, Callback())


def train_in_office(recipes: Sequence[Recipe], store: Path, jobs: int | None) -> tuple[Office, Recorder]:
    office, recorder = Office(store), Recorder()
    train_missing(recipes, Runtime(store=str(store)), Store(store), recorder, office.submit, jobs)
    return office, recorder


def holder(lock: Path) -> int:
    """The process that holds a file's lock."""
    held = (line.split() for line in Path("/proc/locks").read_text().splitlines())
    return next(int(pid) for *_, pid, file, _, _ in held if file.endswith(f":{lock.stat().st_ino}"))


def comparison_of(data: Path, store: Path) -> list[Recipe]:
    methods = ["tgkt", "translator_only", "source_only"]
    comparison = Comparison(tiny_experiment(data, store), methods, [0, 1], oracles=True)
    return [*comparison.transfers, *comparison.oracles]


@pytest.mark.parametrize(("jobs", "most"), [(1, [1]), (3, [2, 3]), (None, range(4, 11))])
def test_each_missing_stage_once_when_all_that_it_stands_on_is_there(
    tiny_data: Path, tmp_path: Path, jobs: int | None, most: Collection[int]
) -> None:
    office, recorder = train_in_office(comparison_of(tiny_data, tmp_path), tmp_path, jobs)
    folds = [f"oracle_fold_{fold}" for fold in (1, 2, 3)]
    names = [
        "bridge",
        *folds,
        "oracle_real_source",
        "oracle_supervised",
        "source",
        "source_only",
        "tgkt",
        "translator_only",
    ]
    assert sorted(office.requested) == sorted(f"{name} {seed}" for name in names for seed in (0, 1))
    assert office.most in most
    assert len(recorder.ended) == len(office.requested)
    assert not any(reused for _, reused in recorder.ended)


def test_what_a_found_stage_stood_on_is_not_asked_for(tiny_data: Path, tmp_path: Path) -> None:
    recipes = comparison_of(tiny_data, tmp_path)
    train_in_office(recipes, tmp_path, None)
    for path in (tmp_path / "stages").glob("[sb]*"):
        shutil.rmtree(path)
    transfers = [recipe for recipe in recipes if recipe.kind == TRANSFER]
    office, recorder = train_in_office(transfers, tmp_path, None)
    assert office.requested == []
    assert recorder.ended == [("transfer", True)] * 6


def test_nothing_to_train_is_nothing_to_do(tmp_path: Path) -> None:
    assert train_in_office([], tmp_path, None)[0].requested == []


def test_an_error_is_raised_as_it_came(tiny_data: Path, tmp_path: Path) -> None:
    def submit(request: StageRequest) -> Future[SfcmtError | None]:
        future: Future[SfcmtError | None] = Future()
        future.set_result(StoreError("the disk is full"))
        return future

    with pytest.raises(StoreError, match=r"^the disk is full$"):
        train_missing(comparison_of(tiny_data, tmp_path), Runtime(), Store(tmp_path), Callback(), submit)


@pytest.mark.parametrize("workers", [2, (1, 4)])
def test_a_request_means_the_same_recipe_elsewhere(
    tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int | tuple[int, int]
) -> None:
    monkeypatch.chdir(tiny_data.parent)
    runtime = {"workers": workers, "cpus_per_worker": 3, "threads": None}
    experiment = tiny_experiment(Path(tiny_data.name), Path("store"), runtime=runtime)
    recipe = recipe_of("transfer", experiment, seed=3)
    request = pickle.loads(pickle.dumps(StageRequest.of(recipe, experiment.runtime)))
    monkeypatch.chdir(tmp_path)
    assert request.recipe().identity == recipe.identity
    assert (request.recipe().seed, request.runtime.workers, request.runtime.threads) == (3, workers, 3)
    assert request.runtime.store == str(tiny_data.parent / "store")


@pytest.mark.parametrize("workers", [0, True, "2", 1.5, [2, 1], [1, 2, 3], [0, 1]])
def test_the_size_of_a_group_is_checked(tiny_data: Path, tmp_path: Path, workers: object) -> None:
    with pytest.raises(
        ConfigError, match=r"^runtime\.workers: .* such as 2, or the least and the most, such as \[1, 4\]$"
    ):
        tiny_experiment(tiny_data, tmp_path, runtime={"workers": workers})


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
class TestOnCluster:
    """On four logical CPUs."""

    @pytest.mark.parametrize(
        ("runtime", "groups"),
        [
            (Runtime(workers=2), 2),
            (Runtime(workers=3), 1),
            (Runtime(workers=5), 0),
            (Runtime(workers=(2, 9), cpus_per_worker=0.5), 4),
            (Runtime(workers=2, gpus_per_worker=0.25), 0),
            (Runtime(workers=2, cpus_per_worker=0.1), 20),
        ],
    )
    def test_how_many_groups_fit(self, four_cpus: None, runtime: Runtime, groups: int) -> None:
        assert places(runtime) == groups
        with nullcontext() if groups else pytest.raises(ConfigError, match=r"^runtime\.workers: .* each$"):
            check_places(runtime)

    def test_a_trial_larger_than_any_node_is_refused_here_and_waited_for_on_a_cluster(
        self, four_cpus: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        large = Resources(cpus=5, gpus=1)
        with pytest.raises(ConfigError) as error:
            _check_resources(large)
        assert [problem.path for problem in error.value.problems] == [
            "resources.cpus",
            "resources.gpus",
        ]
        assert "at most 4" in str(error.value)
        monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
        _check_resources(large)
        assert "waiting until the cluster has it: resources.gpus: 1" in capsys.readouterr().out
        _check_resources(Resources(cpus=4))
        assert capsys.readouterr().out == ""

    def test_stages_become_tasks(self, four_cpus: None, tiny_data: Path, tmp_path: Path) -> None:
        recorder, experiment = Recorder(), tiny_experiment(tiny_data, tmp_path)
        recipes = Comparison(experiment, ["tgkt", "source_only"], [0, 1], oracles=False).transfers
        train_on_cluster(recipes, experiment.runtime, Store(tmp_path), recorder, jobs=2)
        assert sorted(kind for kind, _ in recorder.ended) == ["bridge"] * 2 + ["source"] * 2 + ["transfer"] * 4
        assert not any(reused for _, reused in recorder.ended)
        assert all(map(Store(tmp_path).find, recipes))

    def test_a_stage_goes_on_when_its_process_was_killed(
        self, four_cpus: None, tiny_data: Path, tmp_path: Path
    ) -> None:
        epochs = 20  # the training must not end before it is looked at: twice a second
        experiment, killed = tiny_experiment(tiny_data, tmp_path, source={"epochs": epochs}), list[int]()
        recipe = recipe_of("source", experiment)

        def kill() -> None:
            if not killed and list(tmp_path.glob("partial/*/checkpoint.safetensors")):
                (lock,) = tmp_path.glob("locks/source-*")
                killed.append(holder(lock))
                os.kill(killed[0], signal.SIGKILL)

        train_on_cluster([recipe], experiment.runtime, Store(tmp_path), Callback(), check=kill)
        artifact = Store(tmp_path).find(recipe)
        assert len(killed) == 1
        assert artifact is not None
        assert [row["epoch"] for row in artifact.curves] == list(range(1, epochs + 1))

    def test_an_error_of_a_task_is_the_commands_own(self, four_cpus: None, tiny_data: Path, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(tiny_data, tmp_path / "data"))
        (folder / "source.parquet").unlink()
        experiment = tiny_experiment(folder, tmp_path / "store")
        recipe = transfer_recipe(experiment, Dataset(folder), 0)
        with pytest.raises(DataError, match=r"^\S*source\.parquet: missing, though the manifest lists it$"):
            train_on_cluster([recipe], experiment.runtime, Store(tmp_path / "store"), Callback())


class TestGivingWay:
    def test_what_waits_for_another_process_is_tried_again_and_holds_no_place(
        self, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(giving_way, "_SECONDS", 0.0)
        office, experiment = Office(tmp_path), tiny_experiment(tiny_data, tmp_path)
        busy: list[SfcmtError | None] = [GivesWayError("source waits"), GivesWayError("source waits"), None]

        def submit(request: StageRequest) -> Future[SfcmtError | None]:
            error = busy.pop(0)
            future: Future[SfcmtError | None] = Future()
            future.set_result(error)
            return future if error else office.submit(request)

        recorder = Recorder()
        recipe = recipe_of("source", experiment)
        train_missing([recipe], experiment.runtime, Store(tmp_path), recorder, submit)
        assert recorder.ended == [("source", False)]
        assert busy == []

    @pytest.mark.parametrize(("gpus", "gives"), [(0.0, False), (0.25, True)])
    def test_only_who_holds_a_gpu_gives_way(self, gpus: float, gives: bool) -> None:
        with pytest.raises(GivesWayError, match="bridge waits for it") if gives else nullcontext():
            gives_way(Runtime(gpus_per_worker=gpus), "bridge", "for it")

    def test_a_lock_that_is_given_up_waiting_for_stays_its_holders(self, tiny_data: Path, tmp_path: Path) -> None:
        class GivesWay(Callback):
            def stage_waits(self, recipe: Recipe, reason: str) -> None:
                raise GivesWayError(reason)

        class Other(Callback):
            def stage_opened(self, recipe: Recipe) -> None:
                for _ in range(2):
                    with pytest.raises(GivesWayError, match="for the process that trains it"):
                        Store(tmp_path).get_or_train(recipe, experiment.runtime, GivesWay())

        experiment = tiny_experiment(tiny_data, tmp_path)
        recipe = recipe_of("source", experiment)
        assert not Store(tmp_path, train_nothing).get_or_train(recipe, experiment.runtime, Other()).reused

    def test_a_group_that_has_nothing_to_do_gives_its_workers_back(
        self, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done = Event()

        class Group(tasks._Group):
            def close(self) -> None:
                super().close()
                done.set()

        monkeypatch.setattr(tasks, "_IDLE", 0.5)
        experiment, group = tiny_experiment(tiny_data, tmp_path), Group()
        request, silent = StageRequest.of(recipe_of("source", experiment), experiment.runtime), cast("Queue", None)
        monkeypatch.setattr(tasks, "_Sender", lambda *_: Callback())
        assert group.get_or_train(request, silent) is None  # one worker: trained in this process
        assert not done.is_set()
        assert done.wait(30)
