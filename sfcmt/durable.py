"""Writing files so that each is complete or absent, even after a power loss, and what goes wrong with the disk.

What is wrong with a disk is no fault of the work: it is a `DiskError` of one line, and the work goes on when there is
room. Everything that is kept is written here.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sfcmt.errors import DiskError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_REFUSED = {errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG}
_BROKEN = {errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.EMFILE, errno.ENFILE}
_GOES_ON = "the same command goes on when there is room"


def write_durably(path: Path, content: bytes) -> None:
    """Write a file in one move, and its folder if there is none. Raises `DiskError`, and leaves nothing then."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


@contextmanager
def replacing(path: Path, is_only_writer: bool = False) -> Iterator[Path]:
    """A name to write a file under, which becomes `path` in one move at the end. Raises `DiskError`.

    Of several writers at a time the last one counts. What an only writer leaves when it is killed, the next one writes
    over: there is a single temporary name.
    """
    mark = "" if is_only_writer else f".{uuid.uuid4().hex}"
    temporary = path.with_name(f"{path.name}{mark}.tmp")
    with disk_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            rename_durably(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def append_whole(path: Path, lines: bytes) -> None:
    """Append lines to a file, all or none. A line that an earlier writer left unfinished is ended first.

    Raises `DiskError`. For one writer at a time.
    """
    with disk_errors(path), path.open("ab+") as file:
        before = file.seek(0, os.SEEK_END)
        file.seek(max(0, before - 1))
        is_torn = before > 0 and file.read(1) != b"\n"
        try:
            file.write(b"\n" + lines if is_torn else lines)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            os.ftruncate(file.fileno(), before)
            raise


def rename_durably(temporary: Path, final: Path) -> None:
    """Rename a finished file, or a folder of such, in one move: its contents are on the disk before its name is.

    `rename` alone may be on the disk before what it names.
    """
    for path in sorted(temporary.rglob("*"), reverse=True) if temporary.is_dir() else ():
        _settle(path)
    _settle(temporary)
    temporary.rename(final)
    _settle(final.parent)


@contextmanager
def disk_errors(place: Path | str) -> Iterator[None]:
    """Turns what a disk does wrong within the block into a `DiskError` of one line. Other errors pass."""
    try:
        yield
    except _kinds() as error:
        if (reason := disk_problem(error)) is None:
            raise
        named = str(getattr(error, "filename", None) or place)
        raise DiskError(f"{place if named.endswith('.tmp') else named}: {reason}") from error


def disk_problem(error: Exception) -> str | None:
    """What is wrong with the disk, and what to do, by an error of any library's; None if it is about something else."""
    code = getattr(error, "errno", None) or _code_in(str(error))
    if code in _FULL:
        return f"{os.strerror(code)}; {_GOES_ON}"
    if code in _FORBIDDEN:
        return f"{os.strerror(code)}; whoever runs this needs permission there"
    if code in _REFUSED:
        return f"{os.strerror(code)}; it must be a place that can be written"
    return os.strerror(code) if code in _BROKEN else None


def _kinds() -> tuple[type[Exception], ...]:
    """OSError, which pyarrow raises, too, and safetensors' own error if that is loaded."""
    safetensors = sys.modules.get("safetensors")
    return (OSError, safetensors.SafetensorError) if safetensors else (OSError,)


def _code_in(message: str) -> int | None:
    """safetensors and pyarrow name it in their message."""
    found = re.search(r"\(os error (\d+)\)|\[errno (\d+)\]", message, re.IGNORECASE)
    return int(found[1] or found[2]) if found else None


def _settle(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
