"""What a file of each kind becomes: every bit of its values, upright. What cannot be kept is refused, in one line.

- Grey of 1 to 8 bits: one channel of 8, stretched; of 12 and 16 bits, whole numbers and floats of 32: one channel.
- Colours of 8 or 16 bits: three channels of as many. A palette becomes its colours, CMYK and YCbCr become RGB.
- Alpha is dropped where all is opaque; transparency is refused, and so are further channels.
- One page a file. Small copies beside it (thumbnails, pyramids) are passed over, and so is what a JPEG carries (MPO).
- `.npy`: (height, width), (1, height, width) or (height, width, channels), of any type of number.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from sfcmt.data.deep_colours import deep_values
from sfcmt.data.file_kinds import AS_NPY, FORMATS, ONE, check_kind, is_deep
from sfcmt.data.images import BITS, NPY
from sfcmt.data.npy_files import decode_npy
from sfcmt.data.orientation import turned_upright
from sfcmt.errors import DataError

Values = NDArray[Any]
"""(channels, height, width), of any type of number."""
_KEPT = ("PNG", "JPEG", "MPO")
"""Formats that a data set stores."""
_EXR, _TIFF = b"\x76\x2f\x31\x01", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_FLATTEN = "flatten it first, for instance: magick IN -background black -alpha remove -alpha off OUT"
_BROKEN = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, MemoryError, OverflowError, RuntimeError),
    *(struct.error, zlib.error),
)
"""All that Pillow's readers raise for damaged files."""


class Decoded(NamedTuple):
    """The values of a file."""

    x_CHW: Values
    plain: bool
    """Whether `sfcmt.data.images.decode` finds the same in the file's bytes, so that they can be stored as they are."""


def decode_file(data: bytes, where: str, upright: bool = True) -> Decoded:
    """The values of an image file. Raises `DataError` naming `where`, with what is wrong and how to convert it."""
    if data.startswith(NPY):
        values, channel_first = decode_npy(data, where)
        return Decoded(values, plain=values.dtype.name in BITS and not channel_first)
    if data.startswith(_EXR):
        raise DataError(f"{where}: OpenEXR, for which there is no decoder here; {AS_NPY}")
    with _readable(where, AS_NPY if data.startswith(_TIFF) else ""), Image.open(io.BytesIO(data)) as image:
        check_kind(image, data, where)
        if is_deep(image):
            deep_HWC = deep_values(lambda: Image.open(io.BytesIO(data)), where, upright)
            return Decoded(_without_alpha(deep_HWC, where), plain=False)
        image.load()
        turned = turned_upright(image) if upright else image
        plain = image.format in _KEPT and turned is image and image.mode not in ("LA", "La", "PA")
        return Decoded(_values(turned, where), plain)


def decode_image(image: Image.Image, where: str) -> Values:
    """The values of an image of Pillow's, upright. Raises `DataError`."""
    with _readable(where):
        if isinstance(image, ImageFile.ImageFile) and image.tile and is_deep(image):
            raise DataError(f"{where}: a colour image of 16 bits, of which Pillow keeps 8; pass its path instead")
        image.load()
        return _values(turned_upright(image), where)


@contextmanager
def _readable(where: str, hint: str = "") -> Iterator[None]:
    """Raise `DataError` for a damaged file; for one of a kind that is not known, with a hint."""
    try:
        yield
    except DataError:
        raise
    except UnidentifiedImageError as error:
        known = f"none of {', '.join(FORMATS)} or .npy"
        reason = f"a TIFF of a kind that Pillow cannot read; {hint}" if hint else known
        raise DataError(f"{where}: not a readable image ({reason})") from error
    except _BROKEN as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"{where}: not a readable image ({reason})") from error


def _values(image: Image.Image, where: str) -> Values:
    if image.mode in ONE:
        values = np.asarray(image)
        clear = image.info.get("transparency")
        if clear is not None and (values == clear).any():
            raise DataError(f"{where}: pixels of value {clear} are transparent; {_FLATTEN}")
        return values[None].astype(values.dtype.newbyteorder("="))
    if image.has_transparency_data:
        alpha = np.asarray(image.convert("RGBA").getchannel("A"))
        _refuse_transparent(alpha, np.iinfo(np.uint8).max, where)
    if image.mode in ("1", "L", "LA", "La"):
        return np.asarray(image.convert("L"))[None]
    if image.mode in ("RGB", "RGBA", "RGBa", "P", "PA", "CMYK", "YCbCr"):
        straight = image.convert("RGBA") if image.mode == "RGBa" else image
        return _channels_first(np.asarray(straight.convert("RGB")))
    raise DataError(f"{where}: images of mode {image.mode} are not read; convert it to RGB or grey")


def _refuse_transparent(alpha: Values, opaque: int, where: str) -> None:
    if (alpha != opaque).any():
        raise DataError(f"{where}: partly transparent; {_FLATTEN}")


def _without_alpha(deep_HWC: NDArray[np.uint16], where: str) -> Values:
    if deep_HWC.shape[2] in (2, 4):
        _refuse_transparent(deep_HWC[..., -1], np.iinfo(np.uint16).max, where)
        deep_HWC = deep_HWC[..., :-1]
    return _channels_first(deep_HWC)


def _channels_first(x_HWC: Values) -> Values:
    return np.ascontiguousarray(x_HWC.transpose(2, 0, 1))
