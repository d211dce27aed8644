"""No silence is long: where nothing has been said for a while, a line says what is at work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

INTERVAL = 25.0
"""Seconds of silence after which the status is said: 30 at most, on a machine that may be late."""


class Heartbeat(logging.Handler):
    """Context in which a logger says `status()` whenever it has said nothing for `interval` seconds.

    A handler, so that it hears of every line of its level; an empty status is not said.
    """

    def __init__(
        self,
        logger: logging.Logger,
        status: Callable[[], str],
        level: int = logging.INFO,
        interval: float = INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(level)
        self._logger, self._status, self._interval, self._clock = logger, status, interval, clock
        self._last = clock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True, name="heartbeat")

    def emit(self, record: logging.LogRecord) -> None:
        """Note that something was said."""
        self._last = self._clock()

    def beat(self) -> float:
        """Say the status if it is time; seconds until it is time again."""
        if (left := self._last + self._interval - self._clock()) > 0:
            return left
        if status := self._status():
            self._logger.info(status)
        return self._interval

    def __enter__(self) -> Self:
        self._logger.addHandler(self)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._logger.removeHandler(self)

    def _follow(self) -> None:
        while not self._stop.wait(self.beat()):
            pass
