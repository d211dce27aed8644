"""Progress of trainings: bars on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from sfcmt.callbacks import Callback, Row
from sfcmt.outputs import Outputs
from sfcmt.stages.stage import Stage
from sfcmt.store import Artifact


def progress_callback() -> ProgressBars | ProgressLines:
    """What fits standard error: bars for a person who watches, lines for a log."""
    return ProgressBars() if sys.stderr.isatty() else ProgressLines()


class EpochLines(Callback):
    """One line on standard error for each epoch."""

    def epoch_ended(self, stage: Stage, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        """Print the epoch's losses."""
        _say(f"{_title(stage)}: epoch {row['epoch']:.0f}/{getattr(stage.config, 'epochs', 1)}: {losses(row)}")


class ProgressLines(EpochLines):
    """One line for each stage as well, when it is first known to be there."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close."""

    def stage_ended(self, stage: Stage, artifact: Artifact) -> None:
        """Print whether the stage was trained or found."""
        if stage.identity not in self._told:
            self._told.add(stage.identity)
            _say(f"{_title(stage)}: {outcome(artifact)}")


class ProgressBars(Callback):
    """A bar for each stage that trains, with the losses of its last epoch."""

    def __init__(self) -> None:
        time_left = TimeRemainingColumn(compact=True, elapsed_when_finished=True)
        note = TextColumn("{task.fields[note]}", style="dim", table_column=Column(ratio=1))  # wraps on narrow terminals
        columns = (TextColumn("{task.description}"), BarColumn(16), time_left, note)
        self._progress = Progress(*columns, console=Console(stderr=True), expand=True)
        self._bars: dict[str, TaskID] = {}
        self._told: set[str] = set()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def stage_started(self, stage: Stage, epochs: int) -> None:
        """Add a bar."""
        self._told.add(stage.identity)
        self._bars[stage.identity] = self._progress.add_task(_title(stage), total=epochs, note="")

    def advanced(self, stage: Stage, epochs: float) -> None:
        """Move the bar."""
        self._progress.update(self._bars[stage.identity], completed=epochs)

    def epoch_ended(self, stage: Stage, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        """Show the epoch's losses."""
        self._progress.update(self._bars[stage.identity], note=losses(row))

    def stage_ended(self, stage: Stage, artifact: Artifact) -> None:
        """Say so where no bar did."""
        if stage.identity not in self._told:
            self._told.add(stage.identity)
            self._progress.console.print(f"{_title(stage)}: {outcome(artifact)}", soft_wrap=True, highlight=False)


def losses(row: Row) -> str:
    """An epoch's losses in one line."""
    return "  ".join(f"{name} {value:.3f}" for name, value in row.items() if name != "epoch")


def outcome(artifact: Artifact) -> str:
    """How an artifact came about."""
    if artifact.reused:
        return f"found, not trained again ({artifact.path.name})"
    return f"done in {artifact.seconds:.1f} s"


def _title(stage: Stage) -> str:
    return f"{stage.name} (seed {stage.seed})"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
