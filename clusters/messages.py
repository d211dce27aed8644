"""What processes elsewhere tell of the stages that they train: callbacks hear it as if it happened here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sfcmt.artifact import Row
from sfcmt.callbacks import Callback
from sfcmt.outputs import Outputs
from sfcmt.recipe import Recipe


@dataclass(frozen=True)
class Waits:
    """The stage waits for something."""

    reason: str


@dataclass(frozen=True)
class Opened:
    """A process begins with the stage."""


@dataclass(frozen=True)
class Started:
    """The stage trains for so many epochs in all."""

    epochs: int


@dataclass(frozen=True)
class EpochEnded:
    """An epoch's losses, and the outputs if they were asked for and the stage makes some."""

    row: Row
    outputs: Outputs | None


News = Waits | Opened | Started | EpochEnded
StageNews = tuple[str, News]
"""With the stage's identity."""


class Sender(Callback):
    """In the process that trains: sends the news of its stages."""

    def __init__(self, send: Callable[[StageNews], object]) -> None:
        self._send = send

    def stage_waits(self, recipe: Recipe, reason: str) -> None:
        """Send it."""
        self._send((recipe.identity, Waits(reason)))

    def stage_opened(self, recipe: Recipe) -> None:
        """Send it."""
        self._send((recipe.identity, Opened()))

    def stage_started(self, recipe: Recipe, epochs: int) -> None:
        """Send it."""
        self._send((recipe.identity, Started(epochs)))

    def epoch_ended(self, recipe: Recipe, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        """Send the losses."""
        self._send((recipe.identity, EpochEnded(row, None)))


def pass_on(news: News, recipe: Recipe, callback: Callback) -> None:
    """Tell a callback what a process elsewhere has told of a stage."""
    match news:
        case Waits(reason):
            callback.stage_waits(recipe, reason)
        case Opened():
            callback.stage_opened(recipe)
        case Started(epochs):
            callback.stage_started(recipe, epochs)
        case EpochEnded(row, outputs):
            callback.advanced(recipe, row["epoch"])
            callback.epoch_ended(recipe, row, lambda: outputs)
