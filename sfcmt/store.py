"""The store: one folder per trained stage, named by its identity. What exists is never trained again.

STORE/stages/KIND-IDENTITY/     artifact.json, curves.json and the stage's own files
STORE/partial/KIND-IDENTITY/    the same while it trains, with its last checkpoint
STORE/locks/KIND-IDENTITY       held by the process that trains it; the kernel frees it when the process dies
STORE/log/VERB-NAME.log         what commands have said, each epoch included

An object store has the same `stages` and `partial`, and each machine works in a copy of what it needs: a stage is
fetched when it is missing, its checkpoint is uploaded after each epoch, and its artifact when it is trained, the record
last. A file lock excludes the processes of one machine only: exclude other machines by a `wide_lock`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from filelock import FileLock, Timeout

from sfcmt.callbacks import Callback, Row
from sfcmt.config import Runtime
from sfcmt.errors import StoreError
from sfcmt.local_copy import RECORD, RESULT, LocalCopy, SharedFolder
from sfcmt.storage import Storage, absolute_store, is_remote, local_folder

if TYPE_CHECKING:
    from sfcmt.stages.stage import Stage, Workspace

CURVES = "curves.json"
WideLock = Callable[[str, Callable[[], None]], AbstractContextManager[object]]
"""Makes a lock of that name, which one process among all machines holds, and no dead one; tells if it must wait."""


class Trainer(Protocol):
    """How a stage is trained: in this process, or by a group of workers. The stage's files are in its folder after."""

    def __call__(self, workspace: Workspace) -> None: ...


def train_here(workspace: Workspace) -> None:
    """Train in this process."""
    workspace.run()


@dataclass(frozen=True)
class Artifact:
    """A trained stage on disk. `reused` says whether it was found rather than trained by this call."""

    path: Path
    reused: bool

    @cached_property
    def record(self) -> dict[str, Any]:
        """`artifact.json`: kind, identity, the recipe behind the identity, metrics and seconds."""
        record: dict[str, Any] = json.loads((self.path / RECORD).read_text())
        return record

    @property
    def identity(self) -> str:
        """The stage's identity."""
        return str(self.record["identity"])

    @property
    def metrics(self) -> dict[str, float]:
        """What the stage says of its own result. Never from target labels."""
        return dict(self.record["metrics"])

    @property
    def seconds(self) -> float:
        """Time that the training took."""
        return float(self.record["seconds"])

    @property
    def curves(self) -> list[Row]:
        """One row of figures per epoch; none for stages without epochs."""
        path = self.path / CURVES
        return list(json.loads(path.read_text())) if path.exists() else []


class Store:
    """Finds the artifacts of stages, and has the missing ones trained, each by one process only.

    `place` is a folder or the URI of an object store (`wide_lock` is for the latter only). `root` is the local folder,
    `remote` the object store.
    """

    def __init__(self, place: str | Path, trainer: Trainer = train_here, wide_lock: WideLock | None = None) -> None:
        self.place = str(place)
        self.root = local_folder(self.place)
        self.remote = Storage(self.place) if is_remote(self.place) else None
        self._copy = LocalCopy(self.root, self.remote) if self.remote else SharedFolder(self.root)
        self._trainer, self._wide_lock = trainer, wide_lock

    def find(self, stage: Stage) -> Artifact | None:
        """The stage's artifact if it has been trained. Raises `StoreError` if it is not what its name says."""
        return self.open(stage.kind, stage.identity)

    def open(self, kind: str, identity: str) -> Artifact | None:
        """The artifact of that kind and identity if there is one."""
        name = f"{kind}-{identity}"
        path = self.root / "stages" / name
        if not path.is_dir():
            self._copy.fetch_stage(name)
        return _intact(Artifact(path, reused=True), identity, self._copy.place(name)) if path.is_dir() else None

    def obtain(self, stage: Stage, runtime: Runtime, callback: Callback) -> Artifact:
        """The stage's artifact, trained now (with all that it stands on) if it is missing."""
        artifact = self.find(stage) or self._train_once(stage, runtime, callback)
        callback.stage_ended(stage, artifact)
        return artifact

    def workspace(self, stage: Stage, runtime: Runtime, callback: Callback) -> Workspace:
        """Where the stage is trained, with what it stands on and what was left of an interrupted training.

        Workers that train one stage together make one each, on whatever machines. Its runtime names this store.
        """
        from sfcmt.stages.stage import Workspace

        name = _name(stage)
        partial = self.root / "partial" / name
        partial.mkdir(parents=True, exist_ok=True)
        self._copy.fetch_partial(name)
        return Workspace(
            stage,
            partial,
            self.root,
            [self._needed(upstream) for upstream in stage.upstream],
            runtime.model_copy(update={"store": absolute_store(self.place)}),
            callback,
            lambda: self._copy.upload_checkpoint(name),
        )

    def hand_over(self, stage: Stage) -> None:
        """Called by the leader of workers that have trained a stage, for the process that waits for it elsewhere."""
        self._copy.hand_over(_name(stage))

    def _needed(self, stage: Stage) -> Artifact:
        if (artifact := self.find(stage)) is None:
            raise StoreError(f"{self._copy.place(_name(stage))}: missing, though other stages stand on it")
        return artifact

    def _train_once(self, stage: Stage, runtime: Runtime, callback: Callback) -> Artifact:
        self._copy.check()
        for needed in stage.upstream:
            self.obtain(needed, runtime, callback)
        with self._locked(_name(stage), lambda: callback.stage_waits(stage, "for the process that trains it")):
            return self.find(stage) or self._train(stage, runtime, callback)

    def _train(self, stage: Stage, runtime: Runtime, callback: Callback) -> Artifact:
        name, workspace = _name(stage), self.workspace(stage, runtime, callback)
        result = workspace.folder / RESULT
        result.unlink(missing_ok=True)
        callback.stage_opened(stage)
        try:
            self._trainer(workspace)
        except BaseException:
            callback.stage_left(stage)
            raise
        if not result.exists():
            self._copy.fetch_partial(name)
        workspace.checkpoint.unlink(missing_ok=True)
        record: dict[str, Any] = {"kind": stage.kind, "identity": stage.identity, "recipe": stage.recipe}
        record |= json.loads(result.read_text())
        result.unlink()
        record["files"] = _sizes(workspace.folder)
        (workspace.folder / RECORD).write_text(json.dumps(record, indent=2) + "\n")
        self._copy.finish(name)
        return Artifact(self.root / "stages" / name, reused=False)

    @contextmanager
    def _locked(self, name: str, waits: Callable[[], None]) -> Iterator[None]:
        path = self.root / "locks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        wide = self._wide_lock(f"{self.place} {name}", waits) if self._wide_lock and self.remote else nullcontext()
        with _acquired(FileLock(path), waits), wide:
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


def _name(stage: Stage) -> str:
    return f"{stage.kind}-{stage.identity}"


def _intact(artifact: Artifact, identity: str, place: str) -> Artifact:
    try:
        is_named = artifact.identity == identity
        has_files = artifact.record.get("files", {}).items() <= _sizes(artifact.path).items()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        is_named = has_files = False
    if not is_named:
        raise StoreError(f"{place}: damaged (its {RECORD} does not name {identity}); remove the folder")
    if not has_files:
        raise StoreError(f"{place}: damaged (its files are not those that {RECORD} lists); remove the folder")
    return artifact


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of each file of a folder but the record."""
    return {path.name: path.stat().st_size for path in folder.iterdir() if path.name != RECORD}
