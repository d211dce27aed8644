"""The store: what exists is never trained again, what is interrupted goes on, and what is damaged is named."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from sfcmt.artifact import Artifact
from sfcmt.callbacks import Callback
from sfcmt.errors import StoreError
from sfcmt.recipe import Recipe
from sfcmt.stages.fit import DivergedError
from sfcmt.storage import Storage, local_folder
from sfcmt.store import Store
from sfcmt.testing.tiny import RECIPES, Recorder, contents, get_or_train, recipe_of, tiny_experiment
from sfcmt.workspace import Workspace
from tests.command import Command
from tests.s3 import s3_permissions

HARD = {
    "source": {"epochs": 3},
    "bridge": {"epochs": 3, "perceptual": 0.1, "bn_matching": 0.1},
    "transfer": {
        "epochs": 3,
        "ema": 0.9,
        "pseudo": {"weighting": "freematch"},
        "beta_im": 0.1,
        "beta_pair_kl": 0.1,
        "beta_relations": 0.1,
        "beta_neighbours": 0.1,
    },
}
"""Stages with all the state that a checkpoint has to carry."""

TRAIN = """
import sys, json, torch
from pathlib import Path
from sfcmt.callbacks import Callback
from sfcmt.testing.tiny import get_or_train, tiny_experiment
data, store, kind, changes = Path(sys.argv[1]), sys.argv[2], sys.argv[3], json.loads(sys.argv[4])
class Loud(Callback):
    def stage_started(self, recipe, epochs):
        print("started", recipe.kind, flush=True)
    def advanced(self, recipe, epochs):
        if recipe.kind == kind and epochs > 1.4 and "wait" in sys.argv:
            print("waiting", flush=True)
            sys.stdin.read()
get_or_train(kind, tiny_experiment(data, store, **changes), Loud())
"""


class Interruption(Exception):  # noqa: N818  (not an error of ours)
    pass


class Interrupter(Callback):
    """Breaks off a stage in the middle of its second epoch."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def advanced(self, recipe: Recipe, epochs: float) -> None:
        if recipe.kind == self._kind and epochs > 1.4:
            raise Interruption


def process(data: Path, store: Path | str, kind: str, changes: dict[str, Any], *flags: str) -> Command:
    return Command("-c", TRAIN, str(data), str(store), kind, json.dumps(changes), *flags)


def checkpoints(store: Path) -> list[Path]:
    return sorted(store.glob("*/*/checkpoint.*"))


@pytest.fixture(scope="module")
def undisturbed(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("undisturbed")
    get_or_train("transfer", tiny_experiment(tiny_data, store, **HARD))
    return store


def with_upstream_of(kind: str, undisturbed: Path, store: Path) -> Path:
    """A store that has what a stage of this kind stands on."""
    for upstream in list(RECIPES)[: list(RECIPES).index(kind)]:
        for folder in (undisturbed / "stages").glob(f"{upstream}-*"):
            shutil.copytree(folder, store / "stages" / folder.name)
    return store


def test_what_exists_is_found_and_not_trained(tiny_data: Path, undisturbed: Path) -> None:
    recorder = Recorder()
    artifact = get_or_train("transfer", tiny_experiment(tiny_data, undisturbed, **HARD), recorder)
    assert artifact.reused
    assert recorder.started == []
    assert recorder.epochs == []
    assert recorder.ended == [("transfer", True)]


def test_what_is_missing_is_trained_once_with_all_that_it_stands_on(tiny_data: Path, tmp_path: Path) -> None:
    recorder, experiment = Recorder(), tiny_experiment(tiny_data, tmp_path)
    bridge = get_or_train("bridge", experiment, recorder)
    assert not bridge.reused
    assert recorder.started == ["source", "bridge"]
    assert recorder.epochs == [("source", 1), ("source", 2), ("bridge", 1), ("bridge", 2)]
    for method in ("tgkt", "shot", "translator_only"):
        get_or_train("transfer", experiment.with_method(method), recorder)
    assert recorder.started == ["source", "bridge", "transfer", "transfer"]  # the last has no epochs
    assert len(list((tmp_path / "stages").iterdir())) == 5


class Tale(Callback):
    """Remembers when a stage is waited for, opened, trained, left."""

    def __init__(self, lock: FileLock | None = None) -> None:
        self.told: list[str] = []
        self._lock = lock

    def stage_waits(self, recipe: Recipe, reason: str) -> None:
        """Note it, and release what it waits for."""
        assert self._lock is not None
        self.told.append(f"{recipe.name} waits {reason}")
        self._lock.release()

    def stage_opened(self, recipe: Recipe) -> None:
        self.told.append(f"{recipe.name} opened")

    def stage_started(self, recipe: Recipe, epochs: int) -> None:
        self.told.append(f"{recipe.name} started")

    def stage_ended(self, recipe: Recipe, artifact: Artifact) -> None:
        self.told.append(f"{recipe.name} ended")

    def stage_left(self, recipe: Recipe) -> None:
        self.told.append(f"{recipe.name} left")


def test_who_waits_for_anothers_training_says_so(tiny_data: Path, tmp_path: Path) -> None:
    experiment = tiny_experiment(tiny_data, tmp_path)
    recipe = recipe_of("source", experiment)
    (tmp_path / "locks").mkdir()
    lock = FileLock(tmp_path / "locks" / f"source-{recipe.identity}")
    lock.acquire()
    tale = Tale(lock)
    Store(tmp_path).get_or_train(recipe, experiment.runtime, tale)
    waits = "source waits for the process that trains it"
    assert tale.told == [waits, "source opened", "source started", "source ended"]


def test_a_stage_that_fails_is_left(tiny_data: Path, tmp_path: Path) -> None:
    experiment, tale = tiny_experiment(tiny_data, tmp_path, source={"lr": 1e18}), Tale()
    with pytest.raises(DivergedError):
        Store(tmp_path).get_or_train(recipe_of("source", experiment), experiment.runtime, tale)
    assert tale.told == ["source opened", "source started", "source left"]


def test_a_record_says_what_the_artifact_is(tiny_data: Path, undisturbed: Path) -> None:
    experiment = tiny_experiment(tiny_data, undisturbed, **HARD)
    source, recipe = get_or_train("source", experiment), recipe_of("source", experiment)
    assert source.record["recipe"] == recipe.document
    assert source.path.name == f"source-{recipe.identity}" == f"{source.record['kind']}-{source.identity}"
    assert 0 <= source.metrics["source_accuracy"] <= 1
    assert source.seconds > 0
    assert [row["epoch"] for row in source.curves] == [1, 2, 3]
    assert get_or_train("transfer", experiment.with_method("source_only")).curves == []


def test_artifacts_are_safetensors_and_json_only(undisturbed: Path) -> None:
    files = [path for path in (undisturbed / "stages").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".safetensors", ".json"}
    assert not checkpoints(undisturbed)
    assert not list((undisturbed / "partial").iterdir())


@pytest.mark.parametrize("content", [None, "", "{", "[]", "{}", '{"identity": "another"}', '{"files": 3}'], ids=str)
def test_a_damaged_record_is_a_store_error_that_names_the_folder(
    tiny_data: Path, undisturbed: Path, tmp_path: Path, content: str | None
) -> None:
    with_upstream_of("bridge", undisturbed, tmp_path)
    experiment = tiny_experiment(tiny_data, tmp_path, **HARD)
    record = get_or_train("source", experiment).path / "artifact.json"
    record.unlink() if content is None else record.write_text(content)
    with pytest.raises(StoreError, match=record.parent.name):
        get_or_train("bridge", experiment)


@pytest.mark.parametrize("damage", ["missing", "truncated"])
def test_a_damaged_file_is_a_store_error_that_names_the_folder(
    tiny_data: Path, undisturbed: Path, tmp_path: Path, damage: str
) -> None:
    with_upstream_of("bridge", undisturbed, tmp_path)
    experiment = tiny_experiment(tiny_data, tmp_path, **HARD)
    weights = get_or_train("source", experiment).path / "model.safetensors"
    weights.unlink() if damage == "missing" else weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(StoreError, match=weights.parent.name):
        get_or_train("source", experiment)


def test_a_removed_stage_is_trained_again_to_the_same_bytes(tiny_data: Path, undisturbed: Path, tmp_path: Path) -> None:
    with_upstream_of("bridge", undisturbed, tmp_path)
    experiment = tiny_experiment(tiny_data, tmp_path, **HARD)
    first, recipe = get_or_train("source", experiment), recipe_of("source", experiment)
    before = contents(first.path)
    shutil.rmtree(first.path)
    assert Store(tmp_path).find(recipe) is None
    again = get_or_train("source", experiment)
    assert not again.reused
    assert contents(again.path) == before


def assert_goes_on(data: Path, undisturbed: Path, store: Path | str, kind: str) -> None:
    recorder = Recorder()
    resumed = get_or_train(kind, tiny_experiment(data, store, **HARD), recorder)
    expected = get_or_train(kind, tiny_experiment(data, undisturbed, **HARD))
    assert recorder.epochs == [(kind, 1), (kind, 2), (kind, 3)]
    assert resumed.curves == expected.curves
    assert contents(resumed.path) == contents(expected.path)
    assert not checkpoints(local_folder(str(store)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", RECIPES)
def test_a_killed_trainer_blocks_nobody_and_loses_its_broken_epoch_only(
    tiny_data: Path, undisturbed: Path, tmp_path: Path, kind: str
) -> None:
    with_upstream_of(kind, undisturbed, tmp_path)
    kill_trainer(tiny_data, tmp_path, kind)
    assert list((tmp_path / "locks").glob(f"{kind}-*"))
    assert_goes_on(tiny_data, undisturbed, tmp_path, kind)


def kill_trainer(data: Path, store: Path | str, kind: str) -> None:
    """Have a process train a stage, and kill it in the middle of the second epoch."""
    with process(data, store, kind, HARD, "wait") as trainer:
        assert [trainer.stdout.readline() for _ in range(2)] == [f"started {kind}\n", "waiting\n"]
        trainer.send_signal(signal.SIGKILL)
        assert trainer.wait(30) == -signal.SIGKILL


@pytest.mark.slow
def test_two_processes_that_need_the_same_stages_train_each_once(tiny_data: Path, tmp_path: Path) -> None:
    processes = [process(tiny_data, tmp_path, "bridge", {}) for _ in range(2)]
    told = [line for one in processes for line in one.communicate()[0].splitlines()]
    assert [one.returncode for one in processes] == [0, 0]
    assert sorted(told) == ["started bridge", "started source"]


class Place:
    """A store as several machines see it: a folder that they share, or an object store of which each has a copy."""

    def __init__(self, uri: str, patch: pytest.MonkeyPatch, copies: Path) -> None:
        self.uri, self._patch, self._copies = uri, patch, copies
        self.move("one")

    def move(self, machine: str) -> None:
        """From here on, be on another machine."""
        self._patch.setenv("SFCMT_CACHE", str(self._copies / machine))

    @property
    def root(self) -> Path:
        """The folder on this machine."""
        return local_folder(self.uri)

    def fill(self, kind: str, undisturbed: Path) -> None:
        """Have on this machine what a stage of this kind stands on, and publish it."""
        with_upstream_of(kind, undisturbed, self.root)
        if "://" in self.uri:
            for folder in self.root.glob("stages/*"):
                Storage(self.uri).put_folder(folder, f"stages/{folder.name}", last="artifact.json")


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    remote = f"s3://bucket/{tmp_path.name}?endpoint_override={endpoint}"
    return Place(remote if request.param == "s3" else str(tmp_path / "store"), monkeypatch, tmp_path)


@pytest.mark.slow
class TestEveryKindOfStore:
    def test_what_one_machine_trained_another_finds(self, tiny_data: Path, place: Place) -> None:
        experiment = tiny_experiment(tiny_data, place.uri)
        trained = get_or_train("bridge", experiment)
        place.move("two")
        recorder = Recorder()
        found = get_or_train("bridge", experiment, recorder)
        assert (trained.reused, found.reused, recorder.started) == (False, True, [])
        assert found.record == trained.record
        assert found.curves == trained.curves != []
        assert contents(found.path) == contents(trained.path) != {}
        assert not list(place.root.glob("partial/*"))

    @pytest.mark.parametrize("kind", RECIPES)
    def test_an_interrupted_stage_goes_on_elsewhere_to_the_same_bytes(
        self, tiny_data: Path, undisturbed: Path, place: Place, kind: str
    ) -> None:
        place.fill(kind, undisturbed)
        with pytest.raises(Interruption):
            get_or_train(kind, tiny_experiment(tiny_data, place.uri, **HARD), Interrupter(kind))
        assert [path.name for path in checkpoints(place.root)] == ["checkpoint.safetensors"]
        place.move("two")
        assert Store(place.uri).find(recipe_of(kind, tiny_experiment(tiny_data, place.uri, **HARD))) is None
        assert_goes_on(tiny_data, undisturbed, place.uri, kind)


@pytest.mark.slow
class TestObjectStore:
    @pytest.fixture
    def place(self, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
        return Place(f"s3://bucket/{tmp_path.name}?endpoint_override={endpoint}", monkeypatch, tmp_path)

    def test_a_killed_stage_goes_on_elsewhere_to_the_same_bytes(
        self, tiny_data: Path, undisturbed: Path, place: Place
    ) -> None:
        place.fill("transfer", undisturbed)
        kill_trainer(tiny_data, place.uri, "transfer")
        place.move("two")
        assert_goes_on(tiny_data, undisturbed, place.uri, "transfer")

    def test_nothing_is_left_of_a_finished_training(self, tiny_data: Path, place: Place) -> None:
        get_or_train("source", tiny_experiment(tiny_data, place.uri))
        remote = Storage(place.uri)
        assert remote.names("partial") == []
        (name,) = remote.names("stages")
        assert remote.names(f"stages/{name}") == sorted(path.name for path in (place.root / "stages" / name).iterdir())

    def test_a_half_published_stage_is_none_and_is_trained(self, tiny_data: Path, place: Place) -> None:
        experiment = tiny_experiment(tiny_data, place.uri)
        first, remote = get_or_train("source", experiment), Storage(place.uri)
        remote.remove(f"stages/{first.path.name}/artifact.json")
        remote.write(b"half", f"stages/{first.path.name}/model.safetensors")
        place.move("two")
        again = get_or_train("source", experiment)
        assert not again.reused
        assert contents(again.path) == contents(first.path)
        place.move("three")
        assert contents(get_or_train("source", experiment).path) == contents(first.path)

    @pytest.mark.parametrize("content", [b"", b'{"identity": "another"}'], ids=str)
    def test_damage_is_a_store_error_that_names_the_stage_and_its_copy(
        self, tiny_data: Path, place: Place, content: bytes
    ) -> None:
        experiment = tiny_experiment(tiny_data, place.uri)
        name = get_or_train("source", experiment).path.name
        Storage(place.uri).write(content, f"stages/{name}/artifact.json")
        place.move("two")
        with pytest.raises(StoreError, match=rf"s3://bucket/.*/stages/{name} and its copy {place.root}/stages/{name}"):
            get_or_train("source", experiment)

    def test_two_machines_of_which_one_was_taken_for_dead_end_with_one_artifact(
        self, tiny_data: Path, place: Place
    ) -> None:
        experiment = tiny_experiment(tiny_data, place.uri)

        class Overtaken(Callback):
            def advanced(self, recipe: Recipe, epochs: float) -> None:
                if epochs > 1.9 and not Storage(place.uri).names("stages"):
                    Storage(place.uri).remove_folder("locks")
                    place.move("two")
                    other.append(get_or_train("source", experiment))
                    place.move("one")

        other: list[Artifact] = []
        mine = get_or_train("source", experiment, Overtaken())
        assert not other[0].reused
        assert mine.record == other[0].record  # with the seconds that the other took
        assert not list(place.root.glob("partial/*"))

    def test_one_that_cannot_be_written_is_an_error_before_anything_is_trained(
        self, tiny_data: Path, endpoint: str, place: Place
    ) -> None:
        recorder = Recorder()
        with s3_permissions(endpoint), pytest.raises(StoreError, match=r"s3://bucket/.*the store cannot be"):
            get_or_train("bridge", tiny_experiment(tiny_data, place.uri), recorder)
        assert recorder.started == []
        absent = f"s3://absent/a?endpoint_override={endpoint}"
        with pytest.raises(StoreError, match=r"s3://absent.*cannot be written"):
            get_or_train("bridge", tiny_experiment(tiny_data, absent), recorder)
        assert recorder.started == []

    def test_leader_hands_over_what_another_machine_waits_for(
        self, tiny_data: Path, undisturbed: Path, place: Place
    ) -> None:
        place.fill("bridge", undisturbed)
        experiment = tiny_experiment(tiny_data, place.uri, **HARD)

        def train_elsewhere(workspace: Workspace) -> None:
            place.move("two")
            there, recipe = Store(workspace.runtime.store), recipe_of("bridge", experiment)
            there.workspace(recipe, experiment.runtime, Callback()).run()
            there.hand_over(recipe)
            place.move("one")
            assert not list(workspace.folder.iterdir())

        store = Store(place.uri, train_elsewhere)
        artifact = store.get_or_train(recipe_of("bridge", experiment), experiment.runtime, Callback())
        expected = get_or_train("bridge", tiny_experiment(tiny_data, undisturbed, **HARD))
        assert contents(artifact.path) == contents(expected.path)
        assert Storage(place.uri).names("partial") == []
