"""Target images as people see them: stretched to what a screen shows, large enough to tell what is in them."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sfcmt.data.images import Pixels, decode, encode_png

LONG_SIDE = 512
"""Pixels of a picture's longer side, unless its image is larger still, or too small for that."""
_MOST, _LARGEST = 8, 1024
"""How much an image is enlarged at most: beyond, nothing is to be seen but blur. Pixels of the largest picture."""
_TAIL = 1.0
"""Percent of the values, at either end, that may be cut off to show the others."""
_HOLE = np.array([40, 40, 46], dtype=np.uint8)


class View(StrEnum):
    """How the values of a single channel are shown."""

    COLOURS = "colours"
    GREY = "grey"


def picture(data: bytes, where: str, view: View, masked: bool) -> bytes:
    """An encoded image as a PNG of its own aspect. `masked` says that values of 0 are holes. Raises `DataError`."""
    x_CHW = decode(data, where)
    holes_HW = (x_CHW == 0).all(axis=0) if masked else np.zeros(x_CHW.shape[1:], dtype=bool)
    height, width = _size(*x_CHW.shape[1:])
    planes = [_enlarged(plane, height, width) for plane in _shown(x_CHW, holes_HW)]
    colours_HW3 = _mapped(planes[0], view) if len(planes) == 1 else np.stack(planes, axis=-1)
    is_hole = np.asarray(Image.fromarray(holes_HW).resize((width, height), Image.Resampling.NEAREST))
    bytes_HW3 = np.where(is_hole[..., None], _HOLE, np.rint(colours_HW3.clip(0, 1) * 255).astype(np.uint8))
    return encode_png(np.ascontiguousarray(bytes_HW3.transpose(2, 0, 1)))


def _shown(x_CHW: Pixels, holes_HW: NDArray[np.bool_]) -> list[NDArray[np.float32]]:
    """One plane or three, of values in [0, 1]: colours of 8 bits as they are, all else stretched."""
    if x_CHW.shape[0] == 3 and x_CHW.dtype == np.uint8:
        return [(plane / 255).astype(np.float32) for plane in x_CHW]
    planes = [_stretched(plane, ~holes_HW) for plane in x_CHW[:3]]
    return planes if len(planes) != 2 else [*planes, np.mean(planes, axis=0, dtype=np.float32)]


def _stretched(plane_HW: NDArray[Any], known_HW: NDArray[np.bool_]) -> NDArray[np.float32]:
    known = plane_HW[known_HW]
    low, high = np.percentile(known, [_TAIL, 100 - _TAIL]) if known.size else (0.0, 1.0)
    spread = float(high - low) or 1.0
    stretched: NDArray[np.float32] = ((plane_HW.astype(np.float32) - low) / spread).clip(0, 1).astype(np.float32)
    return stretched


def _size(height: int, width: int) -> tuple[int, int]:
    side = max(height, width)
    scale = min(max(LONG_SIDE / side, 1), _MOST, _LARGEST / side)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _enlarged(plane_HW: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    return np.asarray(Image.fromarray(plane_HW).resize((width, height), Image.Resampling.BICUBIC))


def _mapped(plane_HW: NDArray[np.float32], view: View) -> NDArray[np.float32]:
    if view is View.GREY:
        return np.repeat(plane_HW[..., None], 3, axis=-1)
    mapped: NDArray[np.float32] = _map()[np.rint(plane_HW.clip(0, 1) * 255).astype(np.uint8)]
    return mapped


@cache
def _map() -> NDArray[np.float32]:
    """Colours (256, 3), from near or cold to far or warm."""
    from matplotlib import colormaps

    return np.asarray(colormaps["turbo"](np.linspace(0, 1, 256)), dtype=np.float32)[:, :3]
