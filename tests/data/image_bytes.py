"""Files of the less usual kinds, some of which Pillow reads and cannot write."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """An image of Pillow's as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def npy(values: NDArray[Any]) -> bytes:
    """A NumPy file, pickled where it must be."""
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=True)
    return buffer.getvalue()


def png_16(values_HWC: NDArray[np.uint16]) -> bytes:
    """A PNG of 16 bits with 2 (grey and alpha), 3 or 4 channels."""
    height, width, channels = values_HWC.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values_HWC)
    colour_type = {2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    body = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in body
    )


def tiff(values_HWC: NDArray[Any], extra: tuple[int, ...] = (), planes: bool = False, deflated: bool = False) -> bytes:
    """A TIFF of any number of channels and any type, in one strip, or one a plane; one strip may be compressed."""
    height, width, channels = values_HWC.shape
    planar = np.ascontiguousarray(values_HWC.transpose(2, 0, 1)) if planes else values_HWC
    plain, strips = planar.tobytes(), channels if planes else 1
    data = zlib.compress(plain) if deflated else plain
    form = {"u": 1, "i": 2, "f": 3}[values_HWC.dtype.kind]
    fields: list[tuple[int, list[int]]] = [
        (256, [width]),
        (257, [height]),
        (258, [8 * values_HWC.itemsize] * channels),
        (259, [8 if deflated else 1]),
        (262, [2 if channels > 2 else 1]),
        (273, [8 + place * len(data) // strips for place in range(strips)]),
        (277, [channels]),
        (278, [height]),
        (279, [len(data) // strips] * strips),
        (284, [2 if planes else 1]),
        *([(338, list(extra))] if extra else []),
        (339, [form] * channels),
    ]
    start = 8 + len(data)
    entries, more = b"", b""
    for tag, values in fields:
        packed = struct.pack(f"<{len(values)}I", *values)
        if len(packed) > 4:
            place = start + 2 + 12 * len(fields) + 4 + len(more)
            more, packed = more + packed, struct.pack("<I", place)
        entries += struct.pack("<HHI", tag, 4, len(values)) + packed
    return b"II*\0" + struct.pack("<I", start) + data + struct.pack("<H", len(fields)) + entries + bytes(4) + more
