"""Progress of a command: what is shown, and the log file that keeps all of it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

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
    file.parent.mkdir(parents=True, exist_ok=True)
    to_file = logging.FileHandler(file, encoding="utf-8")
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
        LOGGER.level, LOGGER.propagate = before
