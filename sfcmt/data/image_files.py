"""Files that hold images: which ones can be read, and their bytes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sfcmt.errors import DataError, ImageError
from sfcmt.text_files import printable


@cache
def readable_suffixes() -> frozenset[str]:
    """The suffixes, in lower case, of files that are decoded here, and `.npy`."""
    from PIL import Image

    from sfcmt.data.file_kinds import FORMATS

    suffixes = Image.registered_extensions()  # has all plug-ins loaded
    return frozenset([*(suffix for suffix, kind in suffixes.items() if kind in FORMATS), ".npy"])


def content(file: Path) -> bytes:
    """A file's bytes; a `DataError` names it if it cannot be read, an `ImageError` if it is empty."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise DataError(f"{printable(file)}: cannot be read ({error.strerror})") from error
    if not data:
        raise ImageError(str(file), "an empty file (0 bytes)")
    return data
