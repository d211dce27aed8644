"""A folder of large files that are made once per machine, and read by all of its processes.

Who reads a file holds a shared lock on it, and who makes it an exclusive one: the kernel frees both when a process
dies, however that happens. What is not locked may be removed: the least recently used first, when a new file needs the
room. A file has its name when it is complete and on the disk, so that whoever finds one may believe it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from sfcmt.durable import rename_durably

_RESERVE = 2**30
"""Bytes of the disk that are left to others, such as checkpoints."""
_TEMPORARY = ".tmp"


class CacheFolder:
    """At most `limit` bytes in files, and what the disk has room for."""

    def __init__(self, path: Path, limit: float) -> None:
        self.path, self._limit = path, limit

    def open(self, name: str, size: int, write: Callable[[BinaryIO], object]) -> BinaryIO | None:
        """The file of that name, made of about `size` bytes by `write` if there is none; None where there is no room.

        It stays as long as it is open. A process that needs what another one is making waits for it. Raises OSError,
        and what `write` raises; then there is no file.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        while True:
            with self._settled():
                if found := self._found(name):
                    return found
                temporary = self.path / (name + _TEMPORARY)
                temporary.touch()
                file = temporary.open("r+b")
                if is_ours := _locked(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    file.truncate(0)  # what a dead process has left
                    if not self._make_room(size):
                        _discard(file)
                        return None
                    file.truncate(size)  # so that it counts from now on
            if is_ours:
                return self._made(file, name, write)
            _wait(file)

    def _found(self, name: str) -> BinaryIO | None:
        path = self.path / name
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        fcntl.flock(file, fcntl.LOCK_SH)
        os.utime(path)
        return file

    def _made(self, file: BinaryIO, name: str, write: Callable[[BinaryIO], object]) -> BinaryIO:
        try:
            write(file)
            file.truncate()
            os.fsync(file.fileno())
            with self._settled():
                rename_durably(Path(file.name), self.path / name)
                fcntl.flock(file, fcntl.LOCK_SH)
        except BaseException:
            with self._settled():  # or somebody may have opened it, and lock what has no name any more
                _discard(file)
            raise
        return file

    def _make_room(self, size: int) -> bool:
        """Remove what nobody uses until there is room; False if that is not enough."""
        for path in sorted(self._files(), key=lambda path: path.stat().st_mtime):
            if self._has_room(size):
                return True
            with path.open("r+b") as file:
                if _locked(file, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    path.unlink()
        return self._has_room(size)

    def _has_room(self, size: int) -> bool:
        used = sum(path.stat().st_size for path in self._files())
        return used + size <= self._limit and size + _RESERVE <= shutil.disk_usage(self.path).free

    def _files(self) -> list[Path]:
        return [path for path in self.path.iterdir() if not path.name.startswith(".")]

    @contextmanager
    def _settled(self) -> Iterator[None]:
        """No other process looks, removes or renames meanwhile."""
        with (self.path / ".lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _locked(file: BinaryIO, how: int) -> bool:
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        return False
    return True


def _wait(file: BinaryIO) -> None:
    """Until whoever makes the file has it, or is dead."""
    with file:
        fcntl.flock(file, fcntl.LOCK_SH)


def _discard(file: BinaryIO) -> None:
    with file, suppress(FileNotFoundError):
        Path(file.name).unlink()
