"""Where a recipe is trained: its folder, its inputs, and whom to tell."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from sfcmt.artifact import CHECKPOINT, CURVES, RESULT, Artifact, Row
from sfcmt.callbacks import Callback
from sfcmt.config import Runtime
from sfcmt.cores import own_cores
from sfcmt.durable import disk_errors, write_durably
from sfcmt.machine_cache import machine_cache
from sfcmt.models.expected_input import Resize
from sfcmt.models.translators.fixed import AUTO
from sfcmt.recipe import Recipe

if TYPE_CHECKING:
    import torch

    from sfcmt.data.loading import ImageReader


@dataclass
class Workspace:
    """What a recipe is trained with."""

    recipe: Recipe
    folder: Path
    store: Path
    upstream: Sequence[Artifact]
    """Of the recipe's upstream, in its order."""
    runtime: Runtime
    callback: Callback
    checkpoint_written: Callable[[], None] = lambda: None
    """Called by the process that has written the checkpoint, after each epoch."""
    curves: list[Row] = field(default_factory=list)
    made_by: dict[str, Any] = field(default_factory=dict)
    """What the training adds to its provenance."""
    notes: list[str] = field(default_factory=list)
    """What the user should know of how it went, a line each."""
    seconds_before: float = 0.0
    """Training time of an earlier process that this one goes on from."""
    started: float = field(default_factory=time.perf_counter)

    def run(self) -> None:
        """Train; the files, `curves.json` and `result.json` (metrics, seconds, provenance) are in the folder after.

        In a `torch.distributed` group, every worker calls this with the same folder, and all train together. Raises
        `DiskError`.
        """
        from sfcmt.distributed import barrier, is_main
        from sfcmt.provenance import provenance

        with disk_errors(self.folder):
            metrics = resolve_name(self.recipe.trained_by)(self)
        if is_main():
            if self.curves:
                write_durably(self.folder / CURVES, (json.dumps(self.curves) + "\n").encode())
            made_by = provenance(self.device) | self.made_by
            result = {"metrics": metrics, "seconds": round(self.seconds, 3), "made_by": made_by, "notes": self.notes}
            write_durably(self.folder / RESULT, json.dumps(result).encode())
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

        from sfcmt.devices import set_up
        from sfcmt.distributed import own_device

        # threads above a process's share wait for each other, which makes all slower
        torch.set_num_threads(self.runtime.threads or min(torch.get_num_threads(), own_cores()))
        device = own_device(self.runtime.torch_device())
        set_up(device, self.runtime)
        return device

    @property
    def translator(self) -> str:
        """The fixed translator through which target images are seen, chosen by now; `copy` where there is none."""
        name = self.recipe.translator or "copy"
        if name != AUTO:
            return name
        found = self.artifact("translator").metrics
        return max(found, key=lambda candidate: found[candidate])

    def reader(self, resize: Resize | None = None) -> ImageReader:
        """Opens the data set's images at the recipe's size."""
        from sfcmt.data.loading import ImageReader

        recipe = self.recipe
        return ImageReader(
            recipe.dataset, recipe.size, self.runtime.memory_gb, machine_cache(), self.device, resize or Resize()
        )

    def artifact(self, kind: str, name: str | None = None) -> Artifact:
        """The upstream artifact of a kind; where there are several, of that name."""
        wanted = self.recipe.needed(kind, name)
        return self.upstream[self.recipe.upstream.index(wanted)]

    def seed_everything(self, *moment: object) -> torch.Generator:
        """Seed torch for a moment of this training (such as an epoch), and return a generator seeded alike.

        Randomness depends on the seed and the moment only, so a resumed training meets the same numbers.
        """
        import torch

        seed = _derived_seed(self.recipe.seed, self.recipe.name, *moment)
        torch.manual_seed(seed)
        return torch.Generator().manual_seed(seed)


def train_here(workspace: Workspace) -> None:
    """Train in this process."""
    workspace.run()


def _derived_seed(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:7], "big")
