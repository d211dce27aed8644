"""Progress as bars, for a person who watches a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from sfcmt.artifact import Artifact, Row
from sfcmt.callbacks import What
from sfcmt.outputs import Outputs
from sfcmt.progress.lines import ProgressLines, losses, title
from sfcmt.recipe import Recipe


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

    def stage_waits(self, recipe: Recipe, reason: str) -> None:
        """Show a bar that moves to and fro, and why."""
        super().stage_waits(recipe, reason)
        self._progress.update(self._bar(recipe), note=f"waits {reason}")

    def stage_opened(self, recipe: Recipe) -> None:
        """Show a bar that moves to and fro."""
        super().stage_opened(recipe)
        self._progress.update(self._bar(recipe), note="")

    def stage_started(self, recipe: Recipe, epochs: int) -> None:
        """Let the bar begin."""
        super().stage_started(recipe, epochs)
        self._progress.reset(self._bar(recipe), total=epochs)

    def advanced(self, recipe: Recipe, epochs: float) -> None:
        """Move the bar."""
        super().advanced(recipe, epochs)
        self._progress.update(self._bar(recipe), completed=epochs)

    def epoch_ended(self, recipe: Recipe, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        """Show the epoch's losses."""
        super().epoch_ended(recipe, row, outputs)
        self._progress.update(self._bar(recipe), note=losses(row))

    def stage_ended(self, recipe: Recipe, artifact: Artifact) -> None:
        """Have a line above the bars in place of the bar: what is done must not push what is at work off the screen."""
        super().stage_ended(recipe, artifact)
        self.stage_left(recipe)

    def stage_left(self, recipe: Recipe) -> None:
        """Remove the bar."""
        super().stage_left(recipe)
        if (bar := self._bars.pop(recipe.identity, None)) is not None:
            self._progress.remove_task(bar)

    def _bar(self, recipe: Recipe) -> TaskID:
        """The stage's bar, a new one if it has none."""
        if recipe.identity not in self._bars:
            self._bars[recipe.identity] = self._progress.add_task(title(recipe), total=None, note="")
        return self._bars[recipe.identity]
