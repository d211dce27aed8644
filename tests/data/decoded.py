"""Encoded images as tensors, one by one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from sfcmt.data.images import decode, resize
from sfcmt.data.pixels import Shape


def decode_all(encoded: pa.ChunkedArray, shape: Shape) -> Tensor:
    """(N, C, size, size): uint8, int32 for 16 bits, or float32."""
    found = np.stack([resize(decode(data, ""), *shape) for data in encoded.to_pylist()])
    return torch.from_numpy(found.astype(np.int32) if found.dtype == np.uint16 else found)
