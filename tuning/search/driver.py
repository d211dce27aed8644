"""The one driver of a study that is kept on an object store: how others know that it lives, and what it publishes."""

from __future__ import annotations

import _thread
import json
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from sfcmt.errors import StoreError
from sfcmt.storage import Storage
from sfcmt.tuning.search.optuna_study import SearchError

SIGN = "driver.json"
_SECONDS = 3.0
"""Between two signs of life. A driver that gives none for four times as long is taken for dead."""


class Driver:
    """A context. Within it a thread gives signs of life, and publishes the files that grow as they do.

    `place` is the study's folder on the object store, `folder` its copy, `growing` says which files are appended to.
    Raises `SearchError` if another driver lives. If one takes over while this machine hangs, this process gets a
    SIGTERM, publishes nothing more, and the error is raised at the end of the block.
    """

    def __init__(self, remote: Storage, place: str, folder: Path, growing: Callable[[], Sequence[str]]) -> None:
        self._remote, self._place, self._folder, self._growing = remote, place, folder, growing
        self._id = uuid.uuid4().hex
        self._signs = 0
        self._published: dict[str, int] = {}
        self._stop = threading.Event()
        self._error: SearchError | None = None
        self._thread = threading.Thread(target=self._follow, daemon=True, name="study-driver")

    def __enter__(self) -> None:
        self._await_the_death_of_others()
        (self._folder / "driver").write_text(self._id)
        self._give_sign()
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._error:
            raise self._error
        self._publish()
        self._remote.remove(self._sign)

    @property
    def _sign(self) -> str:
        return f"{self._place}/{SIGN}"

    def _await_the_death_of_others(self) -> None:
        """Wait until it is sure that the last driver is dead. One of this copy is: its lock was free."""
        last, deadline = self._remote.read(self._sign), time.monotonic() + 4 * _SECONDS
        own = self._folder / "driver"
        if last is None or (own.is_file() and _id(last) == own.read_text()):
            return
        while time.monotonic() < deadline:
            time.sleep(_SECONDS / 3)
            now = self._remote.read(self._sign)
            if now is None:
                return
            if now != last:
                raise self._refusal(now)

    def _follow(self) -> None:
        while not self._stop.wait(_SECONDS):
            try:
                now = self._remote.read(self._sign)
                if now is None or _id(now) != self._id:
                    self._error = self._refusal(now)
                    _thread.interrupt_main(signal.SIGTERM)
                    return
                self._publish()
                self._give_sign()
            except StoreError:  # an outage: what is missing is published later
                continue

    def _give_sign(self) -> None:
        self._signs += 1
        sign = {"id": self._id, "host": socket.gethostname(), "signs": self._signs}
        self._remote.write(json.dumps(sign).encode(), self._sign)

    def _publish(self) -> None:
        """Publish the whole lines of what has grown."""
        for name in self._growing():
            whole, newline, _ = (self._folder / name).read_bytes().rpartition(b"\n")
            if len(whole) > self._published.get(name, 0):
                self._remote.write(whole + newline, f"{self._place}/{name}")
                self._published[name] = len(whole)

    def _refusal(self, sign: bytes | None) -> SearchError:
        return refusal(self._remote.place(self._place), json.loads(sign)["host"] if sign else "another machine")


def refusal(place: str, host: str) -> SearchError:
    """The error that a study has a driver."""
    return SearchError(f"{place}: a driver on {host} runs this study; on an object store a study has one at a time")


def _id(sign: bytes) -> str:
    return str(json.loads(sign)["id"])
