"""Grey and colour: which images of three channels are one channel, saved three times."""

from __future__ import annotations

import numpy as np

from sfcmt.data.images import Pixels

SPREAD, SHARE = 16, 0.99
"""An image of 8 bits is grey where, in this share of its pixels, the channels differ by no more than this.

JPEG's noise, a tint and a few coloured marks stay below. A colour map does not: it spreads nearly all of its range."""


def is_grey(x_CHW: Pixels) -> bool:
    """Whether three channels say the same: nearly, if of 8 bits; else exactly, as values are no colours."""
    if x_CHW.shape[0] != 3:
        return False
    if x_CHW.dtype != np.uint8:
        return bool((x_CHW == x_CHW[:1]).all())
    spread_HW = x_CHW.max(axis=0) - x_CHW.min(axis=0)
    return float((spread_HW <= SPREAD).mean()) >= SHARE


def one_channel(x_3HW: Pixels) -> Pixels:
    """The mean of the channels of a grey image, in its type."""
    first: Pixels = x_3HW[:1]
    if (x_3HW == first).all():
        return first
    return np.asarray(np.rint(x_3HW.mean(axis=0, keepdims=True, dtype=np.float64)), dtype=np.uint8)


def three_channels(x_CHW: Pixels) -> Pixels:
    """A single channel of 8 bits three times; what is of another kind stays."""
    single = x_CHW.shape[0] == 1 and x_CHW.dtype == np.uint8
    return np.repeat(x_CHW, 3, axis=0).astype(np.uint8) if single else x_CHW


def with_channels(x_CHW: Pixels, channels: int) -> Pixels:
    """An image as a data set of so many channels holds it, where it can."""
    if channels == 1 and is_grey(x_CHW):
        return one_channel(x_CHW)
    return three_channels(x_CHW) if channels == 3 else x_CHW
