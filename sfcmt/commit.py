"""The commit that a folder is at, and what this code is."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sfcmt.version import __version__


def commit_of(folder: Path) -> str | None:
    """The git commit of a working tree, with `-dirty` if tracked files have changed; None outside of repositories."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def code_version() -> str:
    """The commit of the working tree that this code is of, or the version that is installed."""
    own = Path(__file__)
    listed = ["git", "-C", str(own.parent), "ls-files", "--error-unmatch", own.name]
    try:
        subprocess.run(listed, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return f"sfcmt {__version__}"
    return commit_of(own.parent) or f"sfcmt {__version__}"
