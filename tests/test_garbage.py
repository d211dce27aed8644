"""What nobody uses goes, whole and for good; what anybody uses, holds or stands on stays. On a disk and on S3."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from filelock import FileLock

from sfcmt.artifact import CHECKPOINT, RESULT, WEIGHTS, Artifact
from sfcmt.callbacks import Callback
from sfcmt.errors import ModelError
from sfcmt.garbage import PARTIAL, Piece, garbage, is_held, remove, strip
from sfcmt.models.target_model import TargetModel
from sfcmt.outputs import LOGITS
from sfcmt.recipe import Recipe
from sfcmt.storage import Storage
from sfcmt.store import Store
from sfcmt.testing.tiny import recipe_of, tiny_experiment
from sfcmt.uses import BY_HAND
from sfcmt.workspace import Workspace
from tests.command import Command

STUDIES = ("one-1", "two-2")


class Interruption(Exception):  # noqa: N818  (not an error of ours)
    pass


def write_files(workspace: Workspace) -> None:
    """A training of no time: other bytes each time."""
    for name in (WEIGHTS, LOGITS):
        (workspace.folder / name).write_bytes(f"{name} {workspace.started:020.9f}".encode())
    (workspace.folder / RESULT).write_text(json.dumps({"metrics": {}, "seconds": 0}))


def break_off(workspace: Workspace) -> None:
    (workspace.folder / CHECKPOINT).write_bytes(b"epoch 1")
    workspace.checkpoint_written()
    raise Interruption


@pytest.fixture
def place(tmp_path: Path) -> str:
    """A store that has two studies."""
    for name in STUDIES:
        (tmp_path / "store" / "studies" / name).mkdir(parents=True)
    return str(tmp_path / "store")


@pytest.fixture
def bucket(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same on S3."""
    monkeypatch.setenv("SFCMT_CACHE", str(tmp_path / "cache"))
    uri = f"s3://bucket/{tmp_path.name}?endpoint_override={endpoint}"
    for name in STUDIES:
        Storage(uri).write(b"{}", f"studies/{name}/spec.json")
    return uri


def recipe(data: Path, place: str, kind: str = "bridge", seed: int = 0) -> Recipe:
    return recipe_of(kind, tiny_experiment(data, place), seed)


def train(data: Path, place: str, user: str, kind: str = "bridge", seed: int = 0) -> Artifact:
    runtime = tiny_experiment(data, place).runtime
    return Store(place, write_files, user=user).get_or_train(recipe(data, place, kind, seed), runtime, Callback())


def let_go(data: Path, place: str, user: str, kind: str = "bridge", seed: int = 0) -> None:
    for one in recipe(data, place, kind, seed).with_upstream():
        Store(place).uses.drop(one.folder_name, user)


def collect(place: str) -> list[str]:
    """What is removed, by kinds; nothing of it is left, nor can it be removed twice."""
    store = Store(place)
    removed = list(remove(store, garbage(store)))
    assert garbage(Store(place)) == []
    for piece in removed:
        assert not (store.root / str(piece)).exists()
        assert not store.remote or not store.remote.names(str(piece))
    assert not list((store.root / "removed").glob("*"))
    return [f"{piece.place}/{piece.name.partition('-')[0]}" for piece in removed]


class TestUsers:
    def test_what_one_study_lets_go_of_another_keeps(self, tiny_data: Path, place: str) -> None:
        train(tiny_data, place, "one-1.0")
        train(tiny_data, place, "two-2.0", "source")
        let_go(tiny_data, place, "one-1.0")
        assert collect(place) == ["stages/bridge"]
        let_go(tiny_data, place, "two-2.0", "source")
        assert collect(place) == ["stages/source"]
        assert Store(place).uses.all() == {}

    def test_a_study_whose_folder_is_gone_uses_nothing(self, tiny_data: Path, place: str) -> None:
        train(tiny_data, place, "three-3")
        train(tiny_data, place, "one-1", "source")
        assert collect(place) == ["stages/bridge"]

    def test_what_was_asked_for_by_hand_stays_with_all_that_it_stands_on(self, tiny_data: Path, place: str) -> None:
        train(tiny_data, place, "one-1.0")
        train(tiny_data, place, BY_HAND)
        let_go(tiny_data, place, "one-1.0")
        assert collect(place) == []

    def test_what_an_earlier_release_trained_stays(self, tiny_data: Path, place: str) -> None:
        train(tiny_data, place, BY_HAND)
        for one in recipe(tiny_data, place).with_upstream():
            Store(place).uses.forget(one.folder_name)
        assert collect(place) == []
        train(tiny_data, place, "one-1.0")
        let_go(tiny_data, place, "one-1.0")
        assert collect(place) == []

    def test_what_a_stage_that_stays_stands_on_stays(self, tiny_data: Path, place: str) -> None:
        train(tiny_data, place, "one-1.0", "transfer")
        let_go(tiny_data, place, "one-1.0", "transfer")
        store, transfer = Store(place), recipe(tiny_data, place, "transfer")
        assert [piece.name for piece in garbage(store, referred={transfer.identity})] == []
        store.uses.forget(transfer.folder_name)
        assert collect(place) == []

    def test_who_comes_back_before_the_removal_finds_it(self, tiny_data: Path, place: str) -> None:
        train(tiny_data, place, "one-1.0")
        let_go(tiny_data, place, "one-1.0")
        pieces = garbage(Store(place))
        assert len(pieces) == 2
        assert train(tiny_data, place, "two-2.0").reused
        assert list(remove(Store(place), pieces)) == []
        assert train(tiny_data, place, "one-1.1").reused


class TestTrainings:
    def test_what_an_interrupted_training_left_stays_as_long_as_it_may_go_on(self, tiny_data: Path, place: str) -> None:
        train(tiny_data, place, "one-1.0", "source")
        store, runtime = Store(place, break_off, user="one-1.0"), tiny_experiment(tiny_data, place).runtime
        with pytest.raises(Interruption):
            store.get_or_train(recipe(tiny_data, place), runtime, Callback())
        assert collect(place) == []
        let_go(tiny_data, place, "one-1.0")
        assert collect(place) == ["stages/source", "partial/bridge"]

    def test_what_a_living_process_holds_stays(self, tiny_data: Path, place: str) -> None:
        artifact = train(tiny_data, place, "one-1.0", "source")
        let_go(tiny_data, place, "one-1.0", "source")
        pieces = garbage(Store(place))
        with FileLock(Store(place).root / "locks" / artifact.path.name):
            assert is_held(Store(place), artifact.path.name)
            assert garbage(Store(place)) == list(remove(Store(place), pieces)) == []
            assert strip(Store(place), artifact.path.name, ()) == 0
        assert collect(place) == ["stages/source"]


class TestWeights:
    def test_go_alone_and_come_back_to_the_outputs_that_were_there(self, tiny_data: Path, place: str) -> None:
        before = train(tiny_data, place, "one-1.0")
        record, name, outputs = before.record, before.path.name, (before.path / LOGITS).read_bytes()
        assert strip(Store(place), name, {"two-2.0"}) == 0  # another uses it
        freed = strip(Store(place), name, {"one-1.0"})
        assert freed == record["files"][WEIGHTS]
        assert strip(Store(place), name, {"one-1.0"}) == 0
        kept = Store(place).open("bridge", before.identity)
        assert kept
        assert not kept.is_whole
        assert {path.name for path in kept.path.iterdir()} == {LOGITS, "artifact.json"}
        with pytest.raises(ModelError):
            TargetModel.load(kept.path)
        assert Store(place).find(recipe(tiny_data, place)) is None
        again = train(tiny_data, place, "two-2.0")
        assert again.is_whole
        assert again.record == record
        assert (again.path / LOGITS).read_bytes() == outputs
        assert train(tiny_data, place, BY_HAND).reused
        assert not list(Store(place).root.glob("partial/*"))


@pytest.mark.slow
class TestObjectStore:
    def test_what_nobody_uses_goes_and_what_another_uses_stays(self, tiny_data: Path, bucket: str) -> None:
        TestUsers().test_what_one_study_lets_go_of_another_keeps(tiny_data, bucket)
        TestTrainings().test_what_an_interrupted_training_left_stays_as_long_as_it_may_go_on(tiny_data, bucket)

    def test_weights_come_back_on_every_machine(
        self, tiny_data: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        TestWeights().test_go_alone_and_come_back_to_the_outputs_that_were_there(tiny_data, bucket)
        name = recipe(tiny_data, bucket).folder_name
        assert strip(Store(bucket), name, {"one-1.0", "two-2.0", BY_HAND})
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("SFCMT_CACHE", str(Store(bucket).root.with_name("other")))
            assert not train(tiny_data, bucket, "two-2.0").reused
        assert train(tiny_data, bucket, "one-1.0").reused


KILLED = """
import os, sys, sfcmt.garbage
from sfcmt.storage import Storage
from sfcmt.store import Store
what, name, users = sys.argv[2], sys.argv[3], sys.argv[4:]
def die(*_, **__): os.kill(os.getpid(), 9)
store = Store(sys.argv[1])
if what == "rename":
    sfcmt.garbage.shutil.rmtree = die
    list(sfcmt.garbage.remove(store, sfcmt.garbage.garbage(store)))
else:
    sfcmt.garbage.Path.unlink = die
    sfcmt.garbage.strip(store, name, users)
"""


@pytest.mark.slow
class TestKilledInBetween:
    def test_a_removal_is_done_and_made_up_for(self, tiny_data: Path, tmp_path: Path) -> None:
        place = str(tmp_path)
        (tmp_path / "studies" / "one-1").mkdir(parents=True)
        train(tiny_data, place, "one-1.0", "source")
        let_go(tiny_data, place, "one-1.0", "source")
        assert Command("-c", KILLED, place, "rename", "").wait() == -9
        assert not list(tmp_path.glob("stages/*"))
        assert len(list(tmp_path.glob("removed/*"))) == 1
        assert collect(place) == []

    def test_weights_are_there_or_not(self, tiny_data: Path, tmp_path: Path) -> None:
        place, name = str(tmp_path), train(tiny_data, str(tmp_path), "one-1.0", "source").path.name
        assert Command("-c", KILLED, place, "strip", name, "one-1.0").wait() == -9
        assert Store(place).find(recipe(tiny_data, place, "source")) is None
        assert train(tiny_data, place, "two-2.0", "source").is_whole


def test_nothing_goes_of_a_stage_whose_users_were_never_noted(tmp_path: Path) -> None:
    folder = tmp_path / "partial" / "transfer-1"
    folder.mkdir(parents=True)
    assert list(remove(Store(tmp_path), [Piece(PARTIAL, folder.name, 0)])) == []
    assert folder.is_dir()
