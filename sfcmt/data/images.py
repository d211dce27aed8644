"""Encoded images: bytes <-> arrays, 16 bits kept, holes filled.

Shapes: `x_CHW` is (channels, height, width), uint8 or uint16.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from sfcmt.errors import DataError

Pixels = NDArray[np.uint8] | NDArray[np.uint16]
_MODES_16 = ("I", "I;16", "I;16B", "I;16L")


def decode(data: bytes, where: str) -> Pixels:
    """Bytes of a PNG, JPEG or TIFF -> `x_CHW`: (3, H, W) uint8, (1, H, W) uint8 or (1, H, W) uint16.

    Raises `DataError` naming `where` if the bytes are no image, or one of another kind.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return _to_array(image, where)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{where}: not a readable image ({error})") from error


def _to_array(image: Image.Image, where: str) -> Pixels:
    if image.mode in _MODES_16:
        values = np.asarray(image)
        if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
            raise DataError(f"{where}: pixel values outside 0..65535")
        return values.astype(np.uint16)[None]
    if image.mode in ("L", "1"):
        return np.asarray(image.convert("L"))[None]
    if image.mode in ("RGB", "RGBA", "P", "CMYK"):
        return np.ascontiguousarray(np.asarray(image.convert("RGB")).transpose(2, 0, 1))
    raise DataError(f"{where}: images of mode {image.mode} are not supported")


def encode_png(x_CHW: Pixels) -> bytes:
    """`x_CHW` (1 or 3 channels, 8 or 16 bit) -> PNG bytes, lossless."""
    hwc = x_CHW[0] if x_CHW.shape[0] == 1 else x_CHW.transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(hwc)).save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()


def is_storable(data: bytes) -> bool:
    """Whether the bytes can be stored as they are (PNG or JPEG)."""
    return data.startswith((b"\x89PNG", b"\xff\xd8"))


def fill_holes(x_CHW: Pixels) -> Pixels:
    """Give each pixel of value 0 the value of its nearest known pixel. An image without known pixels stays as it is."""
    holes = (x_CHW == 0).all(axis=0)
    if not holes.any() or holes.all():
        return x_CHW
    from scipy import ndimage

    rows, columns = ndimage.distance_transform_edt(holes, return_distances=False, return_indices=True)
    filled = x_CHW.copy()
    filled[:] = x_CHW[:, rows, columns]
    return filled


def resize(x_CHW: Pixels, size: int, keep_holes: bool = False) -> Pixels:
    """Resize to (C, size, size): area-averaging bilinear, or nearest where holes (0) must not bleed."""
    if x_CHW.shape[1:] == (size, size):
        return x_CHW
    how = Image.Resampling.NEAREST if keep_holes else Image.Resampling.BILINEAR
    if x_CHW.dtype == np.uint8:
        hwc = x_CHW[0] if x_CHW.shape[0] == 1 else np.ascontiguousarray(x_CHW.transpose(1, 2, 0))
        small = np.asarray(Image.fromarray(hwc).resize((size, size), how))
        return small[None] if small.ndim == 2 else np.ascontiguousarray(small.transpose(2, 0, 1))
    floats = Image.fromarray(x_CHW[0].astype(np.float32)).resize((size, size), how)
    rounded: NDArray[np.uint16] = np.rint(np.asarray(floats)).astype(np.uint16)[None]
    return rounded
