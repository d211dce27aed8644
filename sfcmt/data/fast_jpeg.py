"""JPEG files by simplejpeg, where it is installed: three times as fast as Pillow, and the same pixels.

Both are wrappers of libjpeg-turbo, which is exact; a Pillow that was built with another library is not, so a few images
are decoded by both before the first file is. Whatever is out of the ordinary is left to Pillow, and so are its errors.
"""

from __future__ import annotations

import io
import logging
from functools import cache
from importlib import import_module
from itertools import product
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

JPEG = b"\xff\xd8"
"""How a JPEG begins."""
_MODES = {"YCbCr": "RGB", "Gray": "GRAY"}
"""What is made of the colours that a file may have."""


def fast_pixels(data: bytes) -> NDArray[np.uint8] | None:
    """Bytes of a JPEG -> (C, H, W), one channel or three; None where Pillow must do it."""
    return None if (library := _library()) is None else _decoded(library, data)


@cache
def _library() -> ModuleType | None:
    try:
        library = import_module("simplejpeg")
    except ImportError:
        return None
    if not all(_is_alike(library, mode, subsampling) for mode, subsampling in product(("RGB", "L"), (0, 1, 2))):
        told = "simplejpeg gives other pixels than this Pillow, so JPEG files are decoded by Pillow, more slowly"
        logging.getLogger("sfcmt").warning(told)
        return None
    return library


def _is_alike(library: ModuleType, mode: str, subsampling: int) -> bool:
    """Whether both find the same pixels, in an image of an odd size with edges in all directions."""
    y, x = np.mgrid[:37, :43]
    waves = np.stack([np.sin(x * y / 20), np.cos(x / 2 + y), np.sin(x - y / 3)], axis=2)
    image, buffer = Image.fromarray((127.5 + 127 * waves).astype(np.uint8)).convert(mode), io.BytesIO()
    image.save(buffer, "JPEG", quality=80, subsampling=subsampling)
    expected = np.asarray(Image.open(buffer)).reshape(37, 43, -1).transpose(2, 0, 1)
    found = _decoded(library, buffer.getvalue())
    return found is not None and np.array_equal(found, expected)


def _decoded(library: ModuleType, data: bytes) -> NDArray[np.uint8] | None:
    try:
        height, width, colours, _ = library.decode_jpeg_header(data)
        if colours not in _MODES or height * width > (Image.MAX_IMAGE_PIXELS or 0):
            return None
        x_HWC = library.decode_jpeg(data, _MODES[colours])
    except ValueError:  # a damaged file, or one that is a little out of the ordinary
        return None
    return np.ascontiguousarray(x_HWC.transpose(2, 0, 1))
