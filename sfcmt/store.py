"""The store: one folder per trained stage, named by its identity. What exists is never trained again.

STORE/stages/KIND-IDENTITY/     artifact.json, curves.json and the stage's own files
STORE/partial/KIND-IDENTITY/    the same while it trains, with its last checkpoint
STORE/locks/KIND-IDENTITY       held by the process that trains it; the kernel frees it when the process dies
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from filelock import FileLock

from sfcmt.callbacks import Callback, Row
from sfcmt.config import Runtime
from sfcmt.errors import StoreError

if TYPE_CHECKING:
    from sfcmt.stages.stage import Stage, Workspace

CURVES, RESULT = "curves.json", "result.json"
_RECORD = "artifact.json"


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
        record: dict[str, Any] = json.loads((self.path / _RECORD).read_text())
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
    """Finds the artifacts of stages, and has the missing ones trained, each by one process only."""

    def __init__(self, root: Path, trainer: Trainer = train_here) -> None:
        self.root, self._trainer = root, trainer

    def find(self, stage: Stage) -> Artifact | None:
        """The stage's artifact if it has been trained. Raises `StoreError` if it is not what its name says."""
        path = self._path("stages", stage)
        if not path.is_dir():
            return None
        artifact = Artifact(path, reused=True)
        try:
            intact = artifact.identity == stage.identity
            files = artifact.record.get("files", {}).items() <= _sizes(path).items()
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            intact = files = False
        if not intact:
            raise StoreError(f"{path}: damaged (its {_RECORD} does not name {stage.identity}); remove the folder")
        if not files:
            raise StoreError(f"{path}: damaged (its files are not those that {_RECORD} lists); remove the folder")
        return artifact

    def obtain(self, stage: Stage, runtime: Runtime, callback: Callback) -> Artifact:
        """The stage's artifact, trained now (with all that it stands on) if it is missing."""
        artifact = self.find(stage) or self._train_once(stage, runtime, callback)
        callback.stage_ended(stage, artifact)
        return artifact

    def _train_once(self, stage: Stage, runtime: Runtime, callback: Callback) -> Artifact:
        upstream = [self.obtain(needed, runtime, callback) for needed in stage.upstream]
        lock = self._path("locks", stage)
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            return self.find(stage) or self._train(stage, upstream, runtime, callback)

    def _train(self, stage: Stage, upstream: list[Artifact], runtime: Runtime, callback: Callback) -> Artifact:
        from sfcmt.stages.stage import Workspace

        partial, path = self._path("partial", stage), self._path("stages", stage)
        partial.mkdir(parents=True, exist_ok=True)
        workspace = Workspace(stage, partial, self.root, upstream, runtime, callback)
        self._trainer(workspace)
        workspace.checkpoint.unlink(missing_ok=True)
        record: dict[str, Any] = {"kind": stage.kind, "identity": stage.identity, "recipe": stage.recipe}
        record |= json.loads((partial / RESULT).read_text())
        (partial / RESULT).unlink()
        record["files"] = _sizes(partial)
        (partial / _RECORD).write_text(json.dumps(record, indent=2) + "\n")
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.rename(path)
        return Artifact(path, reused=False)

    def _path(self, room: str, stage: Stage) -> Path:
        return self.root / room / f"{stage.kind}-{stage.identity}"


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of each file of a folder but the record."""
    return {path.name: path.stat().st_size for path in folder.iterdir() if path.name != _RECORD}
