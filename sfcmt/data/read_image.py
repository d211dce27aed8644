"""From a file's bytes, or an array, to pixels: the one way in which importers, `predict` and servers read images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sfcmt.data.decoding import Values, decode_file
from sfcmt.data.images import BITS, Pixels
from sfcmt.data.reading import PLAIN, Reading
from sfcmt.errors import DataError, ImageError


class Read(NamedTuple):
    """An image as it is read."""

    x_CHW: Pixels
    plain: bool
    """Whether the given bytes can be stored as they are: `sfcmt.data.images.decode` finds the same in them."""


def read_image(image: bytes | Pixels, where: str, reading: Reading = PLAIN) -> Read:
    """The pixels of an image, in 8 or 16 bits or float32; holes are 0. Of an array, the bits are not rotated.

    Raises `ImageError` if it is no image, or has values that do not fit.
    """
    try:
        return _read(image, where, reading)
    except DataError as error:
        raise ImageError(where, str(error).removeprefix(f"{where}: ")) from error


def _read(image: bytes | Pixels, where: str, reading: Reading) -> Read:
    if isinstance(image, bytes):
        found, plain = decode_file(image, where, reading.upright)
        values = _rotated_back(found, reading.rotated_bits, where) if reading.rotated_bits else found
    else:
        found, plain, values = image, False, image
    known = _without_invalid(values, reading.invalid)
    return Read(_fitted(known, where), plain and known is found)


def _rotated_back(values: Values, places: int, where: str) -> Values:
    if values.dtype != np.uint16 or values.shape[0] != 1:
        raise DataError(f"{where}: must have 1 x 16 bits, not {values.shape[0]} x {values.dtype}")
    return values >> np.uint16(places) | values << np.uint16(16 - places)


def _without_invalid(values: Values, invalid: tuple[float, ...]) -> Values:
    """0 where all channels have invalid values, or none."""
    if not invalid:
        return values
    given = np.asarray(invalid, dtype=values.dtype if values.dtype.kind == "f" else np.float64)
    wrong_CHW = np.isin(values, given)
    holes_HW = (wrong_CHW | (values == 0) | ~np.isfinite(values)).all(axis=0)
    return np.where(holes_HW, values.dtype.type(0), values) if (wrong_CHW & holes_HW).any() else values


def _fitted(values: Values, where: str) -> Pixels:
    """In a type that is stored: floats as float32, with 0 for what is no number; other whole numbers as 16 bits."""
    if values.dtype.kind == "f":
        return _floats(values, where)
    if values.dtype.name in BITS:
        return values
    low, high = values.min(), values.max()
    if low < 0 or high > np.iinfo(np.uint16).max:
        known = "name those that stand for none (invalid=...), or save it as float32"
        raise DataError(f"{where}: values from {low} to {high}; allowed: 0 to 65535; {known}")
    return values.astype(np.uint16)


def _floats(values: Values, where: str) -> Pixels:
    known = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    if np.abs(known).max() > np.finfo(np.float32).max:
        raise DataError(f"{where}: values up to {np.abs(known).max():.3g}, which are too large for float32")
    return known.astype(np.float32)
