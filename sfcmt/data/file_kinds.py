"""What Pillow says of a file before it reads it: whether all of it would be read, and how its values lie."""

from __future__ import annotations

from typing import Any

from PIL import ImageFile

from sfcmt.errors import DataError

FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "BMP", "DIB", "GIF", "WEBP", "PPM", "TGA", "PCX", "JPEG2000", "AVIF")
"""Pillow's names of the formats whose every value is known to survive, or to be refused."""
ONE = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
"""Its modes of one channel of more than 8 bits."""
AS_NPY = "save its values as .npy, of shape (height, width, channels)"
_SUBFILE, _BITS, _SAMPLES, _PLANES, _EXTRA, _SIGNS = 254, 258, 277, 284, 338, 339
"""Tags of a TIFF."""


def check_kind(image: ImageFile.ImageFile, data: bytes, where: str) -> None:
    """Raise `DataError` for what Pillow would read a part of."""
    if image.format not in FORMATS:
        raise DataError(f"{where}: {image.format} files are not read here; convert it to PNG or TIFF")
    if image.format != "MPO" and (pages := _pages(image)) != 1:
        raise DataError(f"{where}: holds {pages} pages or frames; save one a file, for instance: magick IN OUT-%d.png")
    bits = _hidden_bits(image, data)
    if bits not in (8, 16 if image.mode in ONE else 8):
        raise DataError(f"{where}: {image.format} of {bits} bits, which would be rescaled; convert it to PNG or TIFF")
    if image.format == "TIFF":
        _check_tiff(image, where)
    if image.format == "PPM" and image.mode != "1" and image.tile[0][0].startswith("ppm"):  # which rescales
        highest = tuple(image.tile[0][3] or ())[-1]
        if highest != (65535 if image.mode == "I" else 255):
            raise DataError(f"{where}: values up to {highest}, which would be rescaled; {AS_NPY}")


def _pages(image: ImageFile.ImageFile) -> int:
    """How many there are, without small copies of another; 0 if the first is such a copy."""
    count = getattr(image, "n_frames", 1)
    if image.format != "TIFF" or (count == 1 and not _is_small_copy(image)):
        return count
    copies = []
    for page in range(count):
        image.seek(page)
        copies.append(_is_small_copy(image))
    image.seek(0)
    return 0 if copies[0] else copies.count(False)


def _is_small_copy(image: Any) -> bool:
    return bool(image.tag_v2.get(_SUBFILE, 0) & 1)


def _hidden_bits(image: ImageFile.ImageFile, data: bytes) -> int:
    """Bits of a value, of the formats whose mode does not tell; 8 for all others."""
    if image.format == "JPEG2000":
        return (data[data.index(b"\xff\x4f\xff\x51") + 42] & 0x7F) + 1
    if image.format == "AVIF" and (place := data.find(b"av1C")) >= 0:
        flags = data[place + 6]
        return (12 if flags & 0x20 else 10) if flags & 0x40 else 8
    return 8


def _check_tiff(image: Any, where: str) -> None:
    tags = image.tag_v2
    bits, samples = max(tags.get(_BITS, (1,))), tags.get(_SAMPLES, 1)
    undeclared = image.mode == "RGBA" and _EXTRA not in tags  # the fourth may be anything, such as infrared
    if samples > len(image.getbands()) or "X" in rawmode(image) or undeclared:
        raise DataError(f"{where}: {samples} channels, of which Pillow can read 3 or fewer; {AS_NPY}")
    if image.mode not in ONE and bits > 8 and (tags.get(_PLANES, 1) == 2 or ";16" not in rawmode(image)):
        raise DataError(f"{where}: {samples} channels of {bits} bits in planes, which Pillow cannot read; {AS_NPY}")
    if tags.get(_SIGNS, (1,))[0] == 2 and bits <= 8:
        raise DataError(f"{where}: signed values of {bits} bits, which Pillow takes for others; {AS_NPY}")


def rawmode(image: ImageFile.ImageFile) -> str:
    """How the values lie in the file, in Pillow's words."""
    for tile in image.tile:
        arguments = tile[3]
        return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)
    return ""


def is_deep(image: ImageFile.ImageFile) -> bool:
    """Whether it has colours, or alpha, of 16 bits, of which Pillow keeps 8."""
    return image.mode not in ONE and ";16" in rawmode(image)
