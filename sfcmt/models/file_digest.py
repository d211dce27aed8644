"""Digests of files that a source model is read from."""

from __future__ import annotations

from pathlib import Path

from sfcmt.errors import ModelError
from sfcmt.file_digests import remembered_sha256


def file_digest(path: Path) -> str:
    """20 hexadecimal digits that name a file's content. Raises `ModelError` where it cannot be read."""
    try:
        return remembered_sha256(path)[:20]
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
