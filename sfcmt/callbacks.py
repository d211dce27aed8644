"""What the outside may hear of a training: a base of no-ops to override."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from sfcmt.artifact import Artifact, Row
from sfcmt.outputs import Outputs
from sfcmt.recipe import Recipe

What = str | Callable[[], str]
"""What something is, or how to ask for what it is now."""


class Callback:
    """Hears of stages as they run. Override what you need; nothing here does anything.

    Where several workers train a stage, each has a callback; only the main worker's hears more than `epoch_ended`.
    """

    def doing(self, what: What) -> AbstractContextManager[None]:
        """A block that is no stage, such as starting Ray, and may take a while."""
        return nullcontext()

    def stage_waits(self, recipe: Recipe, reason: str) -> None:
        """A stage that is missing waits for something: "for a free process", "for the process that trains it"."""

    def stage_opened(self, recipe: Recipe) -> None:
        """A process begins with a stage that is missing; it may have to start workers and to read data first."""

    def stage_started(self, recipe: Recipe, epochs: int) -> None:
        """A stage begins to train (or goes on training)."""

    def advanced(self, recipe: Recipe, epochs: float) -> None:
        """So many epochs, and parts of one, are done."""

    def epoch_ended(self, recipe: Recipe, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        """An epoch's mean losses are known; `outputs` computes what the model says now, if the stage makes one.

        A training that goes on after an interruption tells its last epoch again.
        Called on every worker, since `outputs` is a collective: all workers call it, or none.
        """

    def stage_ended(self, recipe: Recipe, artifact: Artifact) -> None:
        """A stage's artifact is there, trained just now or found (`artifact.reused`)."""

    def stage_left(self, recipe: Recipe) -> None:
        """A stage that has not ended will not be heard of any more: it failed, or something else did."""


class Callbacks(Callback):
    """Passes everything on to several."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self._callbacks = callbacks

    @contextmanager
    def doing(self, what: What) -> Iterator[None]:
        """Tell all."""
        with ExitStack() as stack:
            for callback in self._callbacks:
                stack.enter_context(callback.doing(what))
            yield

    def stage_waits(self, recipe: Recipe, reason: str) -> None:
        """Tell all."""
        for callback in self._callbacks:
            callback.stage_waits(recipe, reason)

    def stage_opened(self, recipe: Recipe) -> None:
        """Tell all."""
        for callback in self._callbacks:
            callback.stage_opened(recipe)

    def stage_started(self, recipe: Recipe, epochs: int) -> None:
        """Tell all."""
        for callback in self._callbacks:
            callback.stage_started(recipe, epochs)

    def advanced(self, recipe: Recipe, epochs: float) -> None:
        """Tell all."""
        for callback in self._callbacks:
            callback.advanced(recipe, epochs)

    def epoch_ended(self, recipe: Recipe, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        """Tell all."""
        for callback in self._callbacks:
            callback.epoch_ended(recipe, row, outputs)

    def stage_ended(self, recipe: Recipe, artifact: Artifact) -> None:
        """Tell all."""
        for callback in self._callbacks:
            callback.stage_ended(recipe, artifact)

    def stage_left(self, recipe: Recipe) -> None:
        """Tell all."""
        for callback in self._callbacks:
            callback.stage_left(recipe)
