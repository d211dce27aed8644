"""Small grey versions of encoded images, for checks that compare many of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sfcmt.cores import own_cores
from sfcmt.data.images import decode, fill_holes, resize

THUMBNAIL = 48
"""Height and width of a thumbnail, whatever the shape of its image."""
_PIXELS, _FEWEST = 2**27, 200


def affordable(size: tuple[int, int]) -> int:
    """How many images of (height, width) `size` a check may decode: some ten seconds' work, but at least 200."""
    return max(_FEWEST, _PIXELS // (size[0] * size[1]))


def thumbnails(encoded: pa.ChunkedArray, masked: bool, where: str) -> NDArray[np.float32]:
    """Encoded images -> (N, THUMBNAIL, THUMBNAIL) grey, in units of the stored values; `masked` holes are filled.

    Raises `DataError` naming `where` and the row if an image cannot be read.
    """

    def one(row: int) -> NDArray[np.float32]:
        small = resize(decode(encoded[row].as_py(), f"{where}, row {row}"), THUMBNAIL, masked)
        grey: NDArray[np.float32] = (fill_holes(small) if masked else small).mean(axis=0, dtype=np.float32)
        return grey

    with ThreadPoolExecutor(own_cores()) as pool:
        return np.stack(list(pool.map(one, range(len(encoded)))))
