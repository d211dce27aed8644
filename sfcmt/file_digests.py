"""Digests of files. Large ones are read for it once per machine, and not again while they stay as they are.

A note of a digest lies in the machine's cache, under a name made of all that changes with the file: its path, device,
inode, size, and times of modification and of change. Several processes may write the same note: it is written in one
move, and all write the same.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from pathlib import Path

from sfcmt.durable import write_durably
from sfcmt.errors import DiskError
from sfcmt.identity import digest
from sfcmt.machine_cache import machine_cache

_SETTLED = 2 * 10**9
"""Nanoseconds: a file may change again within one tick of its file system's clock, and look the same."""
State = tuple[str, int, int, int, int, int]
_here: dict[State, str] = {}
"""What this process has found out."""


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remembered_sha256(path: Path) -> str:
    """As `sha256_of`; of a file that this machine has read before, and that has not changed since, from memory."""
    state, now = _state(path), time.time_ns()
    note = machine_cache() / "digests" / digest(state)
    if known := _here.get(state) or _read(note):
        return known
    found = sha256_of(path)
    if _state(path) == state and max(state[-2:]) < now - _SETTLED:
        _here[state] = found
        with suppress(DiskError, OSError):  # the next process reads it again
            write_durably(note, f"{found} {_check(note, found)}".encode())
    return found


def _state(path: Path) -> State:
    status = path.stat()
    identity = (str(path.resolve()), status.st_dev, status.st_ino, status.st_size)
    return (*identity, status.st_mtime_ns, status.st_ctime_ns)


def _read(note: Path) -> str | None:
    """What a note says; nothing where there is none, or it is damaged."""
    try:
        found, _, check = note.read_text(encoding="ascii").partition(" ")
    except (OSError, UnicodeDecodeError):
        return None
    return found if check == _check(note, found) else None


def _check(note: Path, found: str) -> str:
    return digest([note.name, found])
