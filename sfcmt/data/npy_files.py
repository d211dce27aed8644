"""NumPy files: (height, width), (1, height, width) or (height, width, channels), of any type of number."""

from __future__ import annotations

import io
import struct
import tokenize
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfcmt.errors import DataError

_BROKEN = (ValueError, TypeError, LookupError, EOFError, MemoryError, OverflowError, RuntimeError, SyntaxError)


def decode_npy(data: bytes, where: str) -> tuple[NDArray[Any], bool]:
    """The values (C, H, W) in the machine's order of bytes, and whether the file has the channel first.

    Raises `DataError`. Nothing pickled is read.
    """
    try:
        values = np.load(io.BytesIO(data), allow_pickle=False)
    except (*_BROKEN, struct.error, tokenize.TokenError) as error:
        raise DataError(f"{where}: not a readable .npy file ({str(error).partition(chr(10))[0]})") from error
    if values.dtype.kind not in "uif":
        raise DataError(f"{where}: values of {values.dtype.name}; allowed: whole numbers and floats")
    channel_first = values.size > 0 and values.ndim == 3 and values.shape[0] == 1
    more = values.ndim == 3 and not channel_first and values.shape[2] > values.shape[0]  # it has channels first, surely
    if not values.size or values.ndim not in (2, 3) or more:
        shapes = "(height, width), (1, height, width) or (height, width, channels), with no more channels than rows"
        raise DataError(f"{where}: an array of shape {values.shape}; allowed: {shapes}")
    if not channel_first:
        values = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("=")), channel_first
