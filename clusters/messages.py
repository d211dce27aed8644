"""What processes elsewhere tell of the stages that they train: callbacks hear it as if it happened here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sfcmt.callbacks import Callback, Row
from sfcmt.outputs import Outputs
from sfcmt.stages.stage import Stage


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

    def stage_waits(self, stage: Stage, reason: str) -> None:
        """Send it."""
        self._send((stage.identity, Waits(reason)))

    def stage_opened(self, stage: Stage) -> None:
        """Send it."""
        self._send((stage.identity, Opened()))

    def stage_started(self, stage: Stage, epochs: int) -> None:
        """Send it."""
        self._send((stage.identity, Started(epochs)))

    def epoch_ended(self, stage: Stage, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        """Send the losses."""
        self._send((stage.identity, EpochEnded(row, None)))


def pass_on(news: News, stage: Stage, callback: Callback) -> None:
    """Tell a callback what a process elsewhere has told of a stage."""
    match news:
        case Waits(reason):
            callback.stage_waits(stage, reason)
        case Opened():
            callback.stage_opened(stage)
        case Started(epochs):
            callback.stage_started(stage, epochs)
        case EpochEnded(row, outputs):
            callback.advanced(stage, row["epoch"])
            callback.epoch_ended(stage, row, lambda: outputs)
