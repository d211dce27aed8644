"""A stage: one training with one artifact, named by all that its result depends on."""

from __future__ import annotations

import hashlib
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from sfcmt.callbacks import Callback, Row
from sfcmt.config import Runtime
from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.identity import digest, result_fields
from sfcmt.local_copy import CHECKPOINT, RESULT
from sfcmt.store import CURVES, Artifact

if TYPE_CHECKING:
    import torch
    from pydantic import BaseModel

    from sfcmt.data.loading import ImageReader
    from sfcmt.experiment import Experiment


class Stage(ABC):
    """One training. Cheap to make: nothing is read but the data set's manifest until `train`."""

    kind: ClassVar[str]
    version: ClassVar[int]
    """Raised by hand whenever the stage's code gives another result from the same config."""
    reads: ClassVar[tuple[Split, ...]]
    """The only parts of the data set that it opens."""

    def __init__(self, experiment: Experiment[Any], dataset: Dataset, seed: int) -> None:
        self.experiment, self.dataset, self.seed = experiment, dataset, seed

    @property
    @abstractmethod
    def config(self) -> BaseModel:
        """The stage's own section of the experiment."""

    @property
    def name(self) -> str:
        """What the stage is called in progress and tracking."""
        return self.kind

    @cached_property
    def upstream(self) -> Sequence[Stage]:
        """Stages whose artifacts this one starts from."""
        return ()

    @abstractmethod
    def train(self, workspace: Workspace) -> dict[str, float]:
        """Write the stage's files into `workspace.folder` and return what can be said of the result."""

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """All that can change the result, as a JSON document."""
        return {
            "kind": self.kind,
            "name": self.name,
            "version": self.version,
            "seed": self.seed,
            "config": result_fields(self.config),
            "data": {"digest": self.dataset.digest(*self.reads), **result_fields(self.experiment.data)},
            "upstream": [stage.identity for stage in self.upstream],
        }

    @cached_property
    def identity(self) -> str:
        """Digest of the recipe."""
        return digest(self.recipe)


@dataclass
class Workspace:
    """What a stage trains with: its folder, its inputs, and whom to tell."""

    stage: Stage
    folder: Path
    store: Path
    upstream: Sequence[Artifact]
    runtime: Runtime
    callback: Callback
    checkpoint_written: Callable[[], None] = lambda: None
    """Called by the process that has written the checkpoint, after each epoch."""
    curves: list[Row] = field(default_factory=list)
    seconds_before: float = 0.0
    """Training time of an earlier process that this one goes on from."""
    started: float = field(default_factory=time.perf_counter)

    def run(self) -> None:
        """Train the stage; its files, `curves.json` and `result.json` (metrics and seconds) are in the folder after.

        In a `torch.distributed` group, every worker calls this with the same folder, and all train the stage together.
        """
        from sfcmt.distributed import barrier, is_main

        metrics = self.stage.train(self)
        if is_main():
            if self.curves:
                (self.folder / CURVES).write_text(json.dumps(self.curves) + "\n")
            result = {"metrics": metrics, "seconds": round(self.seconds, 3)}
            (self.folder / RESULT).write_text(json.dumps(result))
        barrier()

    @property
    def seconds(self) -> float:
        """Training time so far, over all processes."""
        return self.seconds_before + time.perf_counter() - self.started

    @property
    def checkpoint(self) -> Path:
        """Where the state after the last finished epoch is kept."""
        return self.folder / CHECKPOINT

    @cached_property
    def device(self) -> torch.device:
        """The device to compute on."""
        import torch

        from sfcmt.distributed import own_device

        if self.runtime.threads is not None:
            torch.set_num_threads(self.runtime.threads)
        return own_device(self.runtime.torch_device())

    @cached_property
    def reader(self) -> ImageReader:
        """Opens the data set's images at the experiment's size."""
        from sfcmt.data.loading import ImageReader

        size = self.stage.experiment.data.size
        return ImageReader(self.stage.dataset, size, self.runtime.memory_gb, self.store / "cache", self.device)

    def artifact(self, kind: str, name: str | None = None) -> Artifact:
        """The upstream artifact of a kind; where there are several, of that name."""
        recipes = [(artifact.record["recipe"], artifact) for artifact in self.upstream]
        found = [artifact for recipe, artifact in recipes if (recipe["kind"], recipe["name"]) == (kind, name or kind)]
        assert len(found) == 1, f"{self.stage.name} stands on {len(found)} {kind} stages"
        return found[0]

    def seed_everything(self, *moment: object) -> torch.Generator:
        """Seed torch for a moment of this stage (such as an epoch), and return a generator seeded alike.

        Randomness depends on the seed and the moment only, so a resumed training meets the same numbers.
        """
        import torch

        seed = _derived_seed(self.stage.seed, self.stage.name, *moment)
        torch.manual_seed(seed)
        return torch.Generator().manual_seed(seed)


def _derived_seed(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:7], "big")
