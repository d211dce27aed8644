"""Pausing a study: what a signal asks for, and the exit code that tells it from an end and from a mistake."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

PAUSED_EXIT_CODE = 75


class PausedError(BaseException):
    """A signal asked the study to pause. Not an `Exception`, so that nothing on the way up takes it for a failure."""


@contextmanager
def pausing() -> Iterator[None]:
    """SIGTERM or Ctrl-C end the block, wherever it is, with `PausedError`.

    For blocks that may be left at any point, as trainings through the store may: they go on from their last epoch.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise PausedError from None
    finally:
        signal.signal(signal.SIGTERM, before)
