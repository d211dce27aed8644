"""Giving files and folders their names so that even a power loss leaves them complete, or absent."""

from __future__ import annotations

import os
from pathlib import Path


def rename_durably(temporary: Path, final: Path) -> None:
    """Rename a finished file, or a folder of such, in one move: its contents are on the disk before its name is.

    `rename` alone may be on the disk before what it names.
    """
    for path in sorted(temporary.rglob("*"), reverse=True) if temporary.is_dir() else ():
        _settle(path)
    _settle(temporary)
    temporary.rename(final)
    _settle(final.parent)


def _settle(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
