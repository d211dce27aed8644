"""Colours of 16 bits, and grey of 16 bits with alpha, of which Pillow keeps one byte: read once for each of the two."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFile

from sfcmt.data.file_kinds import AS_NPY, rawmode
from sfcmt.data.orientation import turned_upright
from sfcmt.errors import DataError

Opened = Callable[[], ImageFile.ImageFile]
"""Opens the file anew."""


def deep_values(opened: Opened, where: str, upright: bool) -> NDArray[np.uint16]:
    """(height, width, channels), alpha included. Raises `DataError` for what cannot be read so."""
    with opened() as image:
        raw = rawmode(image)
    if raw.startswith("LA;16"):  # four bytes, which are read as if they were of four channels
        bytes_HW4 = _loaded(opened(), "RGBA", upright)
        return bytes_HW4[..., [0, 2]] << np.uint16(8) | bytes_HW4[..., [1, 3]]
    if raw.startswith(("RGB;16", "RGBA;16")):
        high, low = (_loaded(opened(), one, upright) for one in (raw, _other_byte(raw)))
        return high << np.uint16(8) | low
    raise DataError(f"{where}: colours of 16 bits ({raw}), of which Pillow reads 8; {AS_NPY}")


def _other_byte(raw: str) -> str:
    kind, _, order = raw.rpartition(";16")
    own = {"N": "L" if sys.byteorder == "little" else "B"}.get(order, order)
    return f"{kind};16{'B' if own == 'L' else 'L'}"


def _loaded(image: ImageFile.ImageFile, raw: str, upright: bool) -> NDArray[np.uint16]:
    """(height, width, bands) of 8 bits, with the file's bytes taken as they lie in `raw`."""
    with image:
        image.tile = [_taken_as(tile, raw) for tile in image.tile]
        image.load()
        return np.asarray(turned_upright(image) if upright else image).astype(np.uint16)


def _taken_as(tile: Any, raw: str) -> Any:
    given = tile[3]
    arguments = (raw, *given[1:]) if isinstance(given, tuple) else raw
    return tile._replace(args=arguments) if hasattr(tile, "_replace") else (*tile[:3], arguments)  # before Pillow 11
