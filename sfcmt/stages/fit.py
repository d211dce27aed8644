"""The one training loop: any learner, any batches; goes on from its last epoch after an interruption.

In a `torch.distributed` group the workers train one model together, each on its share of every batch.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from sfcmt.artifact import Row
from sfcmt.callbacks import Callback
from sfcmt.config import Training
from sfcmt.distributed import agreed, is_main, main_says, workers
from sfcmt.errors import SfcmtError
from sfcmt.models.synchronised import synchronise
from sfcmt.precision import Precision, in_float32
from sfcmt.stages.checkpoint import is_readable, load_checkpoint, save_checkpoint
from sfcmt.stages.compiling import CompiledSteps
from sfcmt.stages.learner import B, Batches, Learner
from sfcmt.stages.optimiser import build_optimiser, rate_factor
from sfcmt.workspace import Workspace


class DivergedError(SfcmtError):
    """A loss of the stage with that identity became NaN or infinite; it would again, whenever it is trained."""

    def __init__(self, message: str, identity: str) -> None:
        super().__init__(message, identity)
        self.identity = identity

    def __str__(self) -> str:
        return str(self.args[0])


def fit(learner: Learner[B], batches: Batches[B], training: Training, workspace: Workspace) -> None:
    """Train `learner` in place for `training.epochs`, keeping one row of mean losses per epoch in `workspace.curves`.

    An epoch's randomness depends on the seed and its number only. With the checkpoint after each epoch, an interrupted
    training that is started again ends with the same weights as an undisturbed one (bit by bit on a CPU). It begins by
    telling its last epoch again: the process may have died after the checkpoint and before anyone had heard of it.
    """
    learner.to(workspace.device)
    loop = Loop(learner, training, workspace)
    callback = workspace.callback if is_main() else Callback()
    callback.stage_started(workspace.recipe, training.epochs)
    if done := loop.resume():
        workspace.callback.epoch_ended(workspace.recipe, workspace.curves[-1], learner.outputs)
    for epoch in range(done, training.epochs):
        generator = workspace.seed_everything("epoch", epoch)
        learner.train()
        learner.start_epoch()
        steps = batches.steps(training)
        for step, batch in enumerate(batches.epoch(training, generator)):
            loop.step(batch, (epoch + step / steps) / training.epochs, *_place(step, steps, training.accumulate))
            callback.advanced(workspace.recipe, epoch + (step + 1) / steps)
        loop.end_epoch(epoch)
    learner.eval()


class Loop:
    """Optimiser, mixed precision, schedule, and the running means of the losses."""

    def __init__(self, learner: Learner[Any], training: Training, workspace: Workspace) -> None:
        self._learner, self._training, self._workspace = learner, training, workspace
        learner.precision = Precision(training.precision)
        fused = workspace.device.type == "cuda"  # on a CPU it rounds otherwise than plain trainings have done
        self._optimiser = build_optimiser(learner.parameter_groups(), training, fused)
        self._compiled = CompiledSteps(learner.networks(), workspace.runtime.compile)
        self._forward = _parallel(learner, workspace.device)
        self._rates = [group["lr"] for group in self._optimiser.param_groups]
        self._scaler = torch.amp.GradScaler(workspace.device.type, enabled=training.precision == "float16")
        self._sums: dict[str, Tensor] = {}
        self._steps = 0

    def resume(self) -> int:
        """Restore the checkpoint if there is one that can be read; the epoch to go on with."""
        if not main_says(is_readable(self._workspace.checkpoint), self._workspace.device):
            return 0
        notes = load_checkpoint(self._workspace.checkpoint, self._learner, self._optimiser)
        self._workspace.curves = notes["curves"]
        self._workspace.seconds_before = notes["seconds"]
        self._scaler.load_state_dict(notes["scaler"])
        return len(self._workspace.curves)

    def step(self, batch: object, progress: float, batches: int = 1, complete: bool = True) -> None:
        """Learn from a batch: one of `batches` that make a step of the optimiser together, the last when `complete`."""
        self._learner.progress = progress
        with self._exchange(complete), self._compiled.step():
            with in_float32(self._workspace.device):
                losses = self._forward(batch)
            self._scaler.scale(sum(losses.values()) / batches).backward()
        for name, loss in losses.items():  # summed on the device: reading a value would wait for it
            self._sums[name] = self._sums.get(name, 0.0) + loss.detach().float()
        self._steps += 1
        if complete:
            self._update(progress)

    def _exchange(self, complete: bool) -> AbstractContextManager[None]:
        """Workers exchange gradients once a step of the optimiser only."""
        if complete or not isinstance(self._forward, DistributedDataParallel):
            return nullcontext()
        return self._forward.no_sync()

    def _update(self, progress: float) -> None:
        for group, rate in zip(self._optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * rate_factor(self._training, progress)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self._optimiser.zero_grad(set_to_none=True)
        self._learner.end_step()

    def end_epoch(self, epoch: int) -> None:
        """Close the epoch: check its losses, remember them, write the checkpoint, and tell."""
        row: Row = {"epoch": epoch + 1, **self._means()}
        if not all(map(math.isfinite, row.values())):
            losses = ", ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "epoch")
            recipe = self._workspace.recipe
            reason = f"{recipe.name}: diverged in epoch {epoch + 1} ({losses}); lower the lr"
            raise DivergedError(reason, recipe.identity)
        self._sums, self._steps = {}, 0
        workspace = self._workspace
        workspace.curves.append(row)
        notes = {
            "curves": workspace.curves,
            "seconds": workspace.seconds,
            "scaler": self._scaler.state_dict(),
        }
        if is_main():
            save_checkpoint(workspace.checkpoint, self._learner, self._optimiser, notes)
            workspace.checkpoint_written()
        workspace.callback.epoch_ended(workspace.recipe, row, self._learner.outputs)

    def _means(self) -> Row:
        """The epoch's mean losses, the same on all workers to the last bit."""
        sums = agreed(torch.stack([*self._sums.values()])).tolist()
        return {name: total / self._steps for name, total in zip(self._sums, sums, strict=True)}


def _parallel(learner: Learner[Any], device: torch.device) -> nn.Module:
    """The learner; among several workers, with the mean of their gradients and statistics of their whole batch."""
    if workers() == 1:
        return learner
    synchronise(learner.train(), device)
    parallel = DistributedDataParallel(learner)
    parallel.broadcast_buffers = False  # the argument that says so goes by another name from torch 2.13 on
    return parallel


def _place(step: int, steps: int, accumulate: int) -> tuple[int, bool]:
    """How many batches share the optimiser's step that this one is for, and whether it is their last."""
    first = step - step % accumulate
    batches = min(accumulate, steps - first)
    return batches, step == first + batches - 1
