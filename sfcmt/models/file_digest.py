"""Digests of files that a source model is read from, each computed once while the file stays as it is."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from sfcmt.data.manifest import sha256_of
from sfcmt.errors import ModelError


def file_digest(path: Path) -> str:
    """20 hexadecimal digits that name a file's content. Raises `ModelError` where it cannot be read."""
    try:
        status = path.stat()
        return _digest(path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error


@lru_cache(maxsize=256)
def _digest(path: Path, modified: int, size: int) -> str:
    return sha256_of(path)[:20]
