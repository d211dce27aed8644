"""The one driver of a study that is kept on an object store: how others know that it lives, and what it publishes."""

from __future__ import annotations

import _thread
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from sfcmt.lease import Lease
from sfcmt.storage import Storage
from sfcmt.tuning.search.optuna_study import SearchError
from sfcmt.tuning.search.segments import Segments

SIGN = "driver.json"


class Driver(Lease):
    """A lease of the study. With each sign of life, what was added to the files that grow is published.

    `place` is the study's folder on the object store, `folder` its copy, `growing` says which files are appended to.
    Raises `SearchError` if another driver lives. If one takes over while this machine hangs, this process gets a
    SIGTERM, publishes nothing more, and the error is raised at the end of the block.
    """

    def __init__(self, remote: Storage, place: str, folder: Path, growing: Callable[[], Sequence[str]]) -> None:
        super().__init__(remote.uri, f"{place}/{SIGN}", folder / "driver")
        self._remote, self._place, self._folder, self._growing = remote, place, folder, growing
        self._segments: dict[str, Segments] = {}
        self._error: SearchError | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._error:
            raise self._error
        self.signed()
        super().__exit__(kind, error, trace)

    def alive(self, host: str) -> None:
        """Refuse to be a second one."""
        raise refusal(self._remote.place(self._place), host)

    def taken(self, host: str) -> None:
        """Pause this process."""
        self._error = refusal(self._remote.place(self._place), host)
        _thread.interrupt_main(signal.SIGTERM)

    def signed(self) -> None:
        """Publish what was added."""
        for name in self._growing():
            if name not in self._segments:
                self._segments[name] = Segments(self._remote, f"{self._place}/{name}", self._folder / name)
            self._segments[name].publish()


def refusal(place: str, host: str) -> SearchError:
    """The error that a study has a driver."""
    return SearchError(f"{place}: a driver on {host} runs this study; on an object store a study has one at a time")
