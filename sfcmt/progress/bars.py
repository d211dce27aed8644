"""Progress as bars, for a person who watches a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from sfcmt.callbacks import Row, What
from sfcmt.progress.lines import ProgressLines, losses, title

if TYPE_CHECKING:
    from sfcmt.outputs import Outputs
    from sfcmt.stages.stage import Stage
    from sfcmt.store import Artifact


class ProgressBars(ProgressLines):
    """A bar for each stage at work, with the losses of its last epoch, and for each block; lines for what is done."""

    def __init__(self) -> None:
        super().__init__()
        time_left = TimeRemainingColumn(compact=True, elapsed_when_finished=True)
        note = TextColumn("{task.fields[note]}", style="dim", table_column=Column(ratio=1))  # wraps on narrow terminals
        columns = (TextColumn("{task.description}"), BarColumn(16), time_left, note)
        self.console = Console(stderr=True)
        self._progress = Progress(*columns, console=self.console, expand=True)
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Leave the terminal to something else while the block runs."""
        for task in self._progress.task_ids:
            self._progress.update(task, visible=False)
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()

    def say(self, line: str) -> None:
        """Print it above the bars, too."""
        super().say(line)
        self.console.print(line, soft_wrap=True, highlight=False, markup=False)

    @contextmanager
    def doing(self, what: What) -> Iterator[None]:
        """Show a bar that moves to and fro."""
        bar = self._progress.add_task(what if isinstance(what, str) else what(), total=None, note="")
        try:
            with super().doing(what):
                yield
        finally:
            self._progress.remove_task(bar)

    def stage_waits(self, stage: Stage, reason: str) -> None:
        """Show a bar that moves to and fro, and why."""
        super().stage_waits(stage, reason)
        self._progress.update(self._bar(stage), note=f"waits {reason}")

    def stage_opened(self, stage: Stage) -> None:
        """Show a bar that moves to and fro."""
        super().stage_opened(stage)
        self._progress.update(self._bar(stage), note="")

    def stage_started(self, stage: Stage, epochs: int) -> None:
        """Let the bar begin."""
        super().stage_started(stage, epochs)
        self._progress.reset(self._bar(stage), total=epochs)

    def advanced(self, stage: Stage, epochs: float) -> None:
        """Move the bar."""
        super().advanced(stage, epochs)
        self._progress.update(self._bar(stage), completed=epochs)

    def epoch_ended(self, stage: Stage, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        """Show the epoch's losses."""
        super().epoch_ended(stage, row, outputs)
        self._progress.update(self._bar(stage), note=losses(row))

    def stage_ended(self, stage: Stage, artifact: Artifact) -> None:
        """Have a line above the bars in place of the bar: what is done must not push what is at work off the screen."""
        super().stage_ended(stage, artifact)
        self.stage_left(stage)

    def stage_left(self, stage: Stage) -> None:
        """Remove the bar."""
        super().stage_left(stage)
        if (bar := self._bars.pop(stage.identity, None)) is not None:
            self._progress.remove_task(bar)

    def _bar(self, stage: Stage) -> TaskID:
        """The stage's bar, a new one if it has none."""
        if stage.identity not in self._bars:
            self._bars[stage.identity] = self._progress.add_task(title(stage), total=None, note="")
        return self._bars[stage.identity]
