"""Progress as lines: one for each stage, and what is at work whenever it is asked for."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from sfcmt.artifact import Artifact, Row
from sfcmt.callbacks import Callback, What
from sfcmt.outputs import Outputs
from sfcmt.recipe import Recipe

LOGGER = logging.getLogger("sfcmt")
"""Says it all: a line for each stage by INFO, and for each epoch by DEBUG."""

_AT_ONCE = 3
"""Stages that one status names."""
_WIDTH = 120
"""Of a line: losses that make it longer are left to the log file."""


@dataclass
class _Work:
    """What is under way, since when, and how far it is."""

    what: What
    started: float
    note: str = ""
    epochs: int = 1
    row: Row | None = None

    def text(self, now: float) -> str:
        """One phrase."""
        what = self.what if isinstance(self.what, str) else self.what()
        colon = ": " if isinstance(self.what, str) and self.note else ""
        return f"{what}{colon}{self.note}, {duration(now - self.started)} so far"


class ProgressLines(Callback):
    """Has the logger say what happens; `status` says what is under way."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: set[str] = set()
        self._stages: dict[str, _Work] = {}
        self._blocks: list[_Work] = []

    def say(self, line: str) -> None:
        """Say a line of the command's own."""
        LOGGER.info(line)

    def aside(self) -> AbstractContextManager[None]:
        """A block in which something else is printed."""
        return nullcontext()

    def status(self) -> str:
        """The stages at work, or else the block that the command is in; empty if there is none."""
        works = [*self._stages.values()] or self._blocks[-1:]
        more = [f"{len(works) - _AT_ONCE} more"] if len(works) > _AT_ONCE else []
        return "; ".join([*(work.text(self._clock()) for work in works[:_AT_ONCE]), *more])

    @contextmanager
    def doing(self, what: What) -> Iterator[None]:
        """Say so, and again in the status."""
        if isinstance(what, str):
            LOGGER.info(what)
        self._blocks.append(_Work(what, self._clock()))
        try:
            yield
        finally:
            self._blocks.pop()

    def stage_waits(self, recipe: Recipe, reason: str) -> None:
        """Note it for the status."""
        self._work(recipe).note = f"waits {reason}"

    def stage_opened(self, recipe: Recipe) -> None:
        """Note it for the status."""
        self._stages[recipe.identity] = _Work(title(recipe), self._clock())

    def stage_started(self, recipe: Recipe, epochs: int) -> None:
        """Note it for the status."""
        self._work(recipe).epochs = epochs
        self.advanced(recipe, 0)

    def advanced(self, recipe: Recipe, epochs: float) -> None:
        """Note the epoch that is under way for the status."""
        work = self._work(recipe)
        work.note = f"epoch {min(int(epochs) + 1, work.epochs)}/{work.epochs}"

    def epoch_ended(self, recipe: Recipe, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        """Say the epoch's losses, to those who want to know all."""
        work = self._work(recipe)
        work.row = row
        LOGGER.debug(f"{title(recipe)}: epoch {row['epoch']:.0f}/{work.epochs}: {losses(row)}")

    def stage_ended(self, recipe: Recipe, artifact: Artifact) -> None:
        """Say whether the stage was trained or found, when it is first known to be there."""
        work = self._stages.pop(recipe.identity, None)
        if recipe.identity in self._told:
            return
        self._told.add(recipe.identity)
        line = f"{title(recipe)}: {outcome(artifact)}"
        last = f": {losses(work.row)}" if work and work.row and not artifact.reused else ""
        self.say(line + last if len(line + last) <= _WIDTH else line)
        for note in artifact.notes:
            self.say(f"  {recipe.name}: {note}")

    def stage_left(self, recipe: Recipe) -> None:
        """Forget it."""
        self._stages.pop(recipe.identity, None)

    def _work(self, recipe: Recipe) -> _Work:
        return self._stages.setdefault(recipe.identity, _Work(title(recipe), self._clock()))


def title(recipe: Recipe) -> str:
    """What a stage is called."""
    return f"{recipe.name} (seed {recipe.seed})"


def losses(row: Row) -> str:
    """An epoch's losses in one line."""
    return "  ".join(f"{name} {value:.3f}" for name, value in row.items() if name != "epoch")


def outcome(artifact: Artifact) -> str:
    """How an artifact came about."""
    if artifact.reused:
        return f"found, not trained again ({artifact.path.name})"
    return f"done in {artifact.seconds:.1f} s"


def duration(seconds: float) -> str:
    """Such as 41 s, 3 min 10 s, 2 h 5 min."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
