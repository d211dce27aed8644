"""Stored images: bytes <-> arrays, every bit kept, holes filled. What a file of others becomes: see `decoding`.

Shapes: `x_CHW` is (channels, height, width), uint8, uint16 or float32. What a PNG cannot hold (three channels of 16
bits, other numbers of channels, float32) is a NumPy file, `.npy`, of (height, width) or (height, width, channels).
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from sfcmt.data.fast_jpeg import JPEG, fast_pixels
from sfcmt.data.manifest import Bits
from sfcmt.errors import DataError
from sfcmt.models.expected_input import Resize

Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
BITS: dict[str, Bits] = {"uint8": 8, "uint16": 16, "float32": 32}
"""Of a pixel's value, by the type's name."""
_SQUEEZED = Resize()
_MODES_16 = ("I", "I;16", "I;16B", "I;16L")
NPY = b"\x93NUMPY"
"""How a `.npy` begins."""


def decode(data: bytes, where: str) -> Pixels:
    """Bytes of a stored PNG or JPEG -> `x_CHW`: three channels of 8 bits, or one of 8 or 16 bits or float32.

    Bytes of a `.npy` -> any number of channels of these types. Values that are no numbers become 0, as holes are.

    Raises `DataError` naming `where` if the bytes are no image, or one of another kind.
    """
    if data.startswith(NPY):
        return _of_npy(data, where)
    if data.startswith(JPEG) and (x_CHW := fast_pixels(data)) is not None:
        return x_CHW
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return _pixels(image, where)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{where}: not a readable image ({error})") from error


def _pixels(image: Image.Image, where: str) -> Pixels:
    if image.mode in _MODES_16:
        values = np.asarray(image)
        if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
            raise DataError(f"{where}: pixel values outside 0..65535")
        return values.astype(np.uint16)[None]
    if image.mode == "F":
        return _finite(np.asarray(image))[None]
    if image.mode in ("L", "1"):
        return np.asarray(image.convert("L"))[None]
    if image.mode in ("RGB", "RGBA", "P", "CMYK"):
        plain = image if image.mode == "RGB" else image.convert("RGB")  # which copies
        return np.ascontiguousarray(np.asarray(plain).transpose(2, 0, 1))
    raise DataError(f"{where}: images of mode {image.mode} are not supported")


def _of_npy(data: bytes, where: str) -> Pixels:
    try:
        values = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, MemoryError) as error:
        raise DataError(f"{where}: not a readable .npy file ({str(error).splitlines()[0]})") from error
    name = values.dtype.name  # without the order of bytes
    if name not in BITS:
        raise DataError(f"{where}: values of {name}; allowed: {', '.join(BITS)}")
    if not values.size or values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] > max(values.shape[:2])):
        shapes = "(height, width) or (height, width, channels)"
        raise DataError(f"{where}: an array of shape {values.shape}; allowed: {shapes}")
    native = _finite(values) if name == "float32" else values.astype(name)
    return native[None] if native.ndim == 2 else np.ascontiguousarray(native.transpose(2, 0, 1))


def _finite(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)


def encode(x_CHW: Pixels) -> bytes:
    """`x_CHW` -> bytes of a PNG where one can hold it, else of a `.npy`; lossless."""
    if (x_CHW.shape[0], x_CHW.dtype.name) in ((1, "uint8"), (3, "uint8"), (1, "uint16")):
        return encode_png(x_CHW)
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(x_CHW.transpose(1, 2, 0)), allow_pickle=False)
    return buffer.getvalue()


def encode_png(x_CHW: Pixels) -> bytes:
    """`x_CHW` (1 or 3 channels of 8 bits, or 1 of 16) -> PNG bytes, lossless."""
    hwc = x_CHW[0] if x_CHW.shape[0] == 1 else x_CHW.transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(hwc)).save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()


def is_storable(data: bytes) -> bool:
    """Whether the bytes can be stored as they are (PNG, JPEG or `.npy`)."""
    return data.startswith((b"\x89PNG", JPEG, NPY))


def fill_holes(x_CHW: Pixels) -> Pixels:
    """Give each pixel of value 0, in all channels, the values of its nearest known pixel.

    An image without known pixels stays as it is.
    """
    holes = (x_CHW == 0).all(axis=0)
    if not holes.any() or holes.all():
        return x_CHW
    from scipy import ndimage

    rows, columns = ndimage.distance_transform_edt(holes, return_distances=False, return_indices=True)
    filled = x_CHW.copy()
    filled[:] = x_CHW[:, rows, columns]
    return filled


def resize(x_CHW: Pixels, size: int, keep_holes: bool = False, how: Resize = _SQUEEZED) -> Pixels:
    """Resize to (C, size, size), averaging over areas; by nearest neighbours where holes (0) must not bleed.

    With a crop, as torchvision's and timm's transforms: the shorter side to size / crop, then the central square.
    """
    height, width = x_CHW.shape[1:]
    if how.crop is None:
        return _scaled(x_CHW, size, size, keep_holes, how)
    short = int(size / how.crop)
    rows, columns = (short * side // min(height, width) for side in (height, width))
    scaled = _scaled(x_CHW, rows, columns, keep_holes, how)
    top, left = round((rows - size) / 2), round((columns - size) / 2)
    scaled = scaled[:, top : top + size, left : left + size]
    return scaled.copy()


def _scaled(x_CHW: Pixels, height: int, width: int, keep_holes: bool, how: Resize) -> Pixels:
    if x_CHW.shape[1:] == (height, width):
        return x_CHW
    filter_ = Image.Resampling.NEAREST if keep_holes else Image.Resampling[how.interpolation.upper()]
    planes = x_CHW.astype(np.float32) if x_CHW.dtype == np.uint16 else x_CHW
    small = np.stack([np.asarray(Image.fromarray(plane).resize((width, height), filter_)) for plane in planes])
    if x_CHW.dtype != np.uint16:
        return small
    rounded: NDArray[np.uint16] = np.rint(small.clip(0, np.iinfo(np.uint16).max)).astype(np.uint16)
    return rounded
