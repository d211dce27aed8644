"""The store: one folder per artifact, named by its recipe's identity. What exists is never trained again.

STORE/stages/KIND-IDENTITY/     artifact.json, curves.json and the stage's own files
STORE/partial/KIND-IDENTITY/    the same while it trains, with its last checkpoint
STORE/uses/KIND-IDENTITY/       who uses it: see `sfcmt.uses`
STORE/locks/KIND-IDENTITY       held by the process that trains it; the kernel frees it when the process dies
STORE/log/VERB-NAME.log         what commands have said, each epoch included

An object store has the same `stages` and `partial`, and each machine works in a copy of what it needs: a stage is
fetched when it is missing, its checkpoint is uploaded after each epoch, and its artifact when it is trained, the record
last. A file lock excludes the processes of one machine, a lease in the store's `locks` those of all others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout

from sfcmt.artifact import CHECKPOINT, RECORD, RESULT, Artifact
from sfcmt.callbacks import Callback
from sfcmt.config import GivenSourceConfig, Runtime
from sfcmt.durable import disk_errors, write_durably
from sfcmt.errors import OutageError, StoreError
from sfcmt.file_format import FORMAT, NOW, refuse_newer
from sfcmt.lease import Lease
from sfcmt.local_copy import LocalCopy, SharedFolder, is_stripped
from sfcmt.recipe import Recipe
from sfcmt.storage import Storage, absolute_store, is_remote, local_folder
from sfcmt.uses import BY_HAND, Uses
from sfcmt.workspace import Workspace, train_here


class Trainer(Protocol):
    """How a recipe is trained: in this process, or by a group of workers. The files are in the folder after."""

    def __call__(self, workspace: Workspace) -> None: ...


class Store:
    """Finds the artifacts of recipes, and has the missing ones trained, each by one process only.

    `place` is a folder or the URI of an object store. `root` is the local folder, `remote` the object store. `user` is
    noted as using what is asked for: see `sfcmt.uses`; None, if it is already.
    """

    def __init__(self, place: str | Path, trainer: Trainer = train_here, user: str | None = BY_HAND) -> None:
        self.place = str(place)
        self.root = local_folder(self.place)
        self.remote = Storage(self.place) if is_remote(self.place) else None
        self._copy = LocalCopy(self.root, self.remote) if self.remote else SharedFolder(self.root)
        self._trainer = trainer
        self.uses, self.user, self._noted = Uses(self.root, self.remote), user, set[str]()

    def find(self, recipe: Recipe) -> Artifact | None:
        """The whole artifact if it has been trained. Raises `StoreError` if it is not what its name says."""
        artifact = self.open(recipe.kind, recipe.identity)
        return artifact if artifact and artifact.is_whole else None

    def open(self, kind: str, identity: str) -> Artifact | None:
        """The artifact of that kind and identity if there is one; its weights may have been removed."""
        name = f"{kind}-{identity}"
        path = self.root / "stages" / name
        if not path.is_dir() or is_stripped(path):
            self._copy.fetch_stage(name)
        return _intact(Artifact(path, reused=True), identity, self._copy.place(name)) if path.is_dir() else None

    def get_or_train(self, recipe: Recipe, runtime: Runtime, callback: Callback) -> Artifact:
        """The artifact, trained now (with all that it stands on) if it is missing. Raises `OutageError`."""
        artifact = self.find(recipe)
        with suppress(OutageError):  # what cannot be written can still be read
            self.note_use(recipe)
        if artifact is None or not artifact.path.is_dir():  # removed before the use was noted
            with disk_errors(self.root):
                artifact = self._train_once(recipe, runtime, callback)
        callback.stage_ended(recipe, artifact)
        return artifact

    def note_use(self, recipe: Recipe) -> None:
        """Note that the store's user uses a recipe's artifact, and all that it stands on. Raises `OutageError`.

        A stage whose folder a user names as a source model is used by hand.
        """
        for one in recipe.with_upstream():
            if self.user and one.folder_name not in self._noted:
                self.uses.add(one.folder_name, self.user)
                self._noted.add(one.folder_name)
                if isinstance(one.config, GivenSourceConfig) and (named := Path(one.config.model)).is_dir():
                    self._note_folder(named.resolve())

    def _note_folder(self, folder: Path) -> None:
        if folder.parent == (self.root / "stages").resolve():
            self.uses.add(folder.name, BY_HAND)

    def workspace(self, recipe: Recipe, runtime: Runtime, callback: Callback) -> Workspace:
        """Where the recipe is trained, with what it stands on and what was left of an interrupted training.

        Workers that train together make one each, on whatever machines. Its runtime names this store.
        """
        name = recipe.folder_name
        partial = self.root / "partial" / name
        partial.mkdir(parents=True, exist_ok=True)
        self._copy.fetch_partial(name)
        return Workspace(
            recipe,
            partial,
            self.root,
            [self._needed(upstream) for upstream in recipe.upstream],
            runtime.model_copy(update={"store": absolute_store(self.place)}),
            callback,
            lambda: self._copy.upload_checkpoint(name),
        )

    def hand_over(self, recipe: Recipe) -> None:
        """Called by the leader of workers that have trained together, for the process that waits for it elsewhere."""
        self._copy.hand_over(recipe.folder_name)

    def _needed(self, recipe: Recipe) -> Artifact:
        if (artifact := self.find(recipe)) is None:
            raise StoreError(f"{self._copy.place(recipe.folder_name)}: missing, though others stand on it")
        return artifact

    def _train_once(self, recipe: Recipe, runtime: Runtime, callback: Callback) -> Artifact:
        self._copy.check()
        for needed in recipe.upstream:
            self.get_or_train(needed, runtime, callback)
        with self._locked(recipe.folder_name, lambda: callback.stage_waits(recipe, "for the process that trains it")):
            return self.find(recipe) or self._train(recipe, runtime, callback)

    def _train(self, recipe: Recipe, runtime: Runtime, callback: Callback) -> Artifact:
        name, workspace = recipe.folder_name, self.workspace(recipe, runtime, callback)
        result = workspace.folder / RESULT
        result.unlink(missing_ok=True)
        callback.stage_opened(recipe)
        try:
            self._trainer(workspace)
        except BaseException:
            callback.stage_left(recipe)
            raise
        if not result.exists():
            self._copy.fetch_partial(name)
        record: dict[str, Any] = {FORMAT: NOW, "kind": recipe.kind, "identity": recipe.identity}
        record |= {"recipe": recipe.document} | json.loads(result.read_text(encoding="utf-8"))
        sizes = _sizes(workspace.folder)
        record["files"] = {file: size for file, size in sizes.items() if file not in (RESULT, CHECKPOINT)}
        write_durably(workspace.folder / RECORD, (json.dumps(record, indent=2) + "\n").encode())
        workspace.checkpoint.unlink(missing_ok=True)  # not before: if there was no room, the training goes on from it
        result.unlink()
        self._copy.finish(name)
        return Artifact(self.root / "stages" / name, reused=False)

    @contextmanager
    def _locked(self, name: str, waits: Callable[[], None]) -> Iterator[None]:
        path = self.root / "locks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        note = path.with_name(f"{name}.holder")
        lease = Lease(self.remote.uri, f"locks/{name}", note, waits) if self.remote else nullcontext()
        with _acquired(FileLock(path), waits), lease:
            yield


@contextmanager
def _acquired(lock: FileLock, waits: Callable[[], None]) -> Iterator[None]:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waits()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _intact(artifact: Artifact, identity: str, place: str) -> Artifact:
    try:
        is_named = artifact.identity == identity
        has_files = artifact.record.get("files", {}).items() <= _sizes(artifact.path).items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        is_named = has_files = False
    refuse_newer(artifact.record if is_named else {}, artifact.path / RECORD)
    if not is_named:
        raise StoreError(f"{place}: damaged (its {RECORD} does not name {identity}); remove the folder")
    if not has_files:
        raise StoreError(f"{place}: damaged (its files are not those that {RECORD} lists); remove the folder")
    return artifact


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of each file of a folder but the record."""
    return {path.name: path.stat().st_size for path in folder.iterdir() if path.name != RECORD}
