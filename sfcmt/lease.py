"""A lock that one process holds among all machines that reach an object store, and that a dead one loses.

The lock is a file, which is made and changed by conditional puts only. Its holder changes it every few seconds, as a
sign of life. A file that stays as it is for four times as long is a dead holder's, and whoever saw that may replace it.
No clocks are compared: each machine measures how long it has seen the same file.
"""

from __future__ import annotations

import json
import socket
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from sfcmt.conditional_puts import ConditionalPuts, Version, Written
from sfcmt.durable import write_durably
from sfcmt.errors import StoreOutageError

SECONDS = 3.0
"""Between two signs of life."""
_FREE = b""


class Lease:
    """A context in which this process holds the lock `name`. It waits for the lock; `waits` is called once if it must.

    `note` is a file of this machine that remembers its last holder: make sure by a lock of this machine's own that no
    other process here holds it, and one that was killed is succeeded at once. Raises `StoreOutageError`.
    """

    def __init__(self, uri: str, name: str, note: Path, waits: Callable[[], None] = lambda: None) -> None:
        self._puts, self._name, self._note, self._waits = ConditionalPuts(uri), name, note, waits
        self._id, self._signs = uuid.uuid4().hex, 0
        self._left = threading.Event()
        self._version: Version = {}

    def alive(self, host: str) -> None:
        """Called while it waits, whenever a holder on another machine shows that it lives. May raise."""

    def signed(self) -> None:
        """Called after each sign of life, in a thread."""

    def taken(self, host: str) -> None:
        """Called, in a thread, when another has taken the lock, for want of a sign of life."""

    def __enter__(self) -> Self:
        self._acquire()
        write_durably(self._note, self._id.encode())
        self._thread = threading.Thread(target=self._live, daemon=True, name=f"lease {self._name}")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        with suppress(StoreOutageError):  # nobody takes it for a sign of life
            self._puts.replace(self._name, _FREE, self._version)

    def stop(self) -> None:
        """Give no more signs of life."""
        self._left.set()
        self._thread.join()

    def _acquire(self) -> None:
        """Take the lock as soon as it is free."""
        watched, since = None, time.monotonic()
        while True:
            found = self._puts.read(self._name)
            is_dead = found == watched and time.monotonic() - since > 4 * SECONDS
            if found is None or is_dead or self._is_free(found):
                if self._take(found):
                    return
                continue
            if found != watched:
                self._waits() if watched is None else self.alive(_told(found, "host"))
                watched, since = found, time.monotonic()
            time.sleep(SECONDS / 3)

    def _is_free(self, found: Written) -> bool:
        """Whether it was left, or was held by a process of this machine, or the answer to an earlier put was lost."""
        own = self._note.read_text(encoding="utf-8") if self._note.is_file() else self._id
        return found.content == _FREE or _told(found, "id") in (own, self._id)

    def _take(self, found: Written | None) -> bool:
        """Put a sign in place of what was found; whether nobody else has been there since."""
        sign = self._sign()
        version = self._puts.replace(self._name, sign, found.version) if found else self._puts.create(self._name, sign)
        self._version = version or self._version
        return version is not None

    def _live(self) -> None:
        while not self._left.wait(SECONDS):
            try:
                if host := self._renew():
                    self.taken(host)
                    return
                self.signed()
            except StoreOutageError:  # who waits counts on from the last sign that it has seen
                continue

    def _renew(self) -> str | None:
        """Give a sign of life; the host of whoever holds the lock by now, if not this process."""
        if version := self._puts.replace(self._name, self._sign(), self._version):
            self._version = version
            return None
        found = self._puts.read(self._name)
        if found is None or _told(found, "id") == self._id:  # cleared away, or the answer to an earlier put was lost
            return None if self._take(found) else self._renew()
        return _told(found, "host") or "another machine"

    def _sign(self) -> bytes:
        self._signs += 1
        return json.dumps({"id": self._id, "host": socket.gethostname(), "signs": self._signs}).encode()


def _told(found: Written, field: str) -> str:
    return str(json.loads(found.content)[field]) if found.content else ""
