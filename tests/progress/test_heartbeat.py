"""A line whenever none has come for a while, by a clock that the test moves."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from sfcmt.progress.heartbeat import Heartbeat


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Lines(logging.Handler):
    """Remembers what was said."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.changed = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())
        self.changed.set()


@pytest.fixture
def logger() -> logging.Logger:
    found = logging.Logger("mine", logging.DEBUG)
    found.addHandler(Lines())
    return found


def said(logger: logging.Logger) -> list[str]:
    (lines,) = [handler for handler in logger.handlers if isinstance(handler, Lines)]
    return lines.said


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def heart(logger: logging.Logger, clock: Clock) -> Iterator[Heartbeat]:
    """Beats only when the test says so."""
    found = Heartbeat(logger, lambda: "at work", interval=10, clock=clock)
    logger.addHandler(found)
    yield found
    logger.removeHandler(found)


def test_the_status_is_said_after_the_interval_and_again(
    heart: Heartbeat, clock: Clock, logger: logging.Logger
) -> None:
    clock.now += 9
    assert heart.beat() == 1
    assert said(logger) == []
    clock.now += 1
    assert heart.beat() == 10
    assert heart.beat() == 10
    assert said(logger) == ["at work"]
    clock.now += 10
    heart.beat()
    assert said(logger) == ["at work"] * 2


def test_a_line_puts_it_off(heart: Heartbeat, clock: Clock, logger: logging.Logger) -> None:
    clock.now += 8
    logger.info("done")
    clock.now += 8
    assert heart.beat() == 2
    assert said(logger) == ["done"]


def test_a_line_that_is_not_shown_does_not(heart: Heartbeat, clock: Clock, logger: logging.Logger) -> None:
    clock.now += 8
    logger.debug("an epoch")
    clock.now += 2
    heart.beat()
    assert said(logger) == ["an epoch", "at work"]


def test_nothing_at_work_is_not_said(logger: logging.Logger, clock: Clock) -> None:
    heart = Heartbeat(logger, lambda: "", interval=10, clock=clock)
    clock.now += 10
    assert heart.beat() == 10
    assert said(logger) == []


def test_within_the_block_it_beats_by_itself(logger: logging.Logger) -> None:
    (lines,) = [handler for handler in logger.handlers if isinstance(handler, Lines)]
    with Heartbeat(logger, lambda: "at work", interval=0.01):
        for _ in range(3):
            assert lines.changed.wait(60)
            lines.changed.clear()
    count = len(lines.said)
    assert set(lines.said) == {"at work"}
    assert logger.handlers == [lines]
    assert not [thread for thread in threading.enumerate() if thread.name == "heartbeat"]
    assert len(lines.said) == count
