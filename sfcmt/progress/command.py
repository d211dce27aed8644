"""Progress of a command: what is shown, and the log file that keeps all of it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from sfcmt.durable import disk_errors
from sfcmt.progress.heartbeat import Heartbeat
from sfcmt.progress.lines import LOGGER, ProgressLines
from sfcmt.storage import local_folder


@contextmanager
def command_progress(name: str, plan: str, store: str, verbose: bool) -> Iterator[ProgressLines]:
    """What a command tells of its work: its plan first, then bars on a terminal, else lines on standard error.

    There is a line at least every 30 s. Each epoch has one if `verbose`, and always in STORE/log/NAME.log; of an object
    store that is this machine's copy.
    """
    file, level = local_folder(store) / "log" / f"{name}.log", logging.DEBUG if verbose else logging.INFO
    with disk_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        to_file = _LogFile(file, encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    if sys.stderr.isatty() and not verbose:
        from sfcmt.progress.bars import ProgressBars

        with _logging([to_file]), ProgressBars() as bars, Heartbeat(LOGGER, bars.status):
            bars.say(plan)
            bars.say(f"Log of all epochs: {file}")
            yield bars
    else:
        to_error, lines = logging.StreamHandler(), ProgressLines()
        to_error.setLevel(level)
        with _logging([to_file, to_error]), Heartbeat(LOGGER, lines.status, level):
            lines.say(plan)
            lines.say(f"Log of all epochs: {file}")
            yield lines


class _LogFile(logging.FileHandler):
    """A log file without which the work goes on: if the disk is full, a line says so, once."""

    _has_ended = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, as long as there is room."""
        if not self._has_ended:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (logging's name)
        """Say what is wrong, and write no more."""
        self._has_ended = True
        print(f"{self.baseFilename}: {sys.exception()}; this log ends here", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Close it, whether or not there is room for the last of it."""
        with suppress(OSError):
            super().close()


@contextmanager
def _logging(handlers: Sequence[logging.Handler]) -> Iterator[None]:
    """Only these handlers hear the logger, of all levels."""
    before = LOGGER.level, LOGGER.propagate
    LOGGER.setLevel(logging.DEBUG)
    LOGGER.propagate = False
    for handler in handlers:
        LOGGER.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            LOGGER.removeHandler(handler)
            handler.close()
        LOGGER.setLevel(before[0])
        LOGGER.propagate = before[1]
