"""A file that grows, on an object store, where nothing can be appended: in segments, the last of which is put anew.

The first has the file's name; the others have a number behind it. A segment that is full is never written again, so
that a long journal costs no more to keep up to date than a short one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from sfcmt.storage import Storage

_FULL = 2**18
"""Bytes from which on the next segment is begun."""
_NUMBER = re.compile(r"\.\d{6}$")


def whole_names(names: Iterable[str]) -> list[str]:
    """Names of files, by the names of their segments."""
    return list(dict.fromkeys(_NUMBER.sub("", name) for name in names))


def read_segments(remote: Storage, place: str) -> list[bytes]:
    """The segments of the file at a place, in order; none if there is no such file."""
    found: list[bytes] = []
    while (content := remote.read(_name(place, len(found)))) is not None:
        found.append(content)
    return found


class Segments:
    """Publishes a file of this machine, whose beginning is what was published before, by anyone."""

    def __init__(self, remote: Storage, place: str, path: Path) -> None:
        self._remote, self._place, self._path = remote, place, path
        before = read_segments(remote, place)
        self._number, self._begin = len(before), sum(map(len, before))
        self._end = self._begin

    def publish(self) -> None:
        """Publish the whole lines that were added."""
        with self._path.open("rb") as file:
            file.seek(self._begin)
            whole, newline, _ = file.read().rpartition(b"\n")
        content = whole + newline
        if self._begin + len(content) == self._end:
            return
        self._remote.write(content, _name(self._place, self._number))
        self._end = self._begin + len(content)
        if len(content) >= _FULL:
            self._number, self._begin = self._number + 1, self._end


def _name(place: str, number: int) -> str:
    return f"{place}.{number:06d}" if number else place
