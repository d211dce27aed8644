"""Disks that are full or may not be written, for real: small ones in memory, which only root may make."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, kibibytes: int) -> Iterator[Path]:
    """A disk of that size at `folder`. Skips the test where none can be made."""
    folder.mkdir()
    if not _done("mount", "-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", str(folder)):
        pytest.skip("no disk can be made")
    try:
        yield folder
    finally:
        assert _done("umount", "-l", str(folder))


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody may write to `folder` or below within the block. Skips the test where that cannot be arranged."""
    if not _done("mount", "--bind", str(folder), str(folder)):
        pytest.skip("nothing can be made read-only")
    try:
        assert _done("mount", "-o", "remount,bind,ro", str(folder))
        yield
    finally:
        assert _done("umount", "-l", str(folder))


def _done(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
