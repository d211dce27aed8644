"""Where this machine keeps what it can make again: copies of object stores, digests of files, decoded images."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def machine_cache() -> Path:
    """SFCMT_CACHE, or ~/.cache/sfcmt. It may be removed whenever nothing runs."""
    folder = os.path.expanduser(os.environ.get("SFCMT_CACHE", "~/.cache/sfcmt"))  # noqa: PTH111  (never raises)
    homeless = folder.startswith("~")  # a container's user may have no home
    return Path(tempfile.gettempdir(), f"sfcmt-{os.getuid()}") if homeless else Path(folder)
