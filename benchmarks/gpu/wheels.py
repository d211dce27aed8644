"""Packages from a folder of wheels, for a machine without a registry: unpacked for this process and its children."""

from __future__ import annotations

import os
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path


def use_wheels(folder: Path) -> None:
    """Make importable what the wheels of a folder hold, behind what is installed: the machine's own torch stays."""
    place = tempfile.mkdtemp(prefix="wheels-")
    for wheel in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            tops = {name.split("/")[0].removesuffix(".py") for name in archive.namelist() if ".dist-info/" not in name}
            if not any(map(_is_there, tops)):
                archive.extractall(place)
    sys.path.append(place)
    os.environ["PYTHONPATH"] = os.pathsep.join([*filter(None, [os.environ.get("PYTHONPATH")]), place])


def _is_there(name: str) -> bool:
    return name.isidentifier() and find_spec(name) is not None
