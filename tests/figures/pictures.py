"""Looking at a figure."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image


def drawn(figure: Figure) -> NDArray[np.uint8]:
    """The figure's pixels (H, W, 3), by way of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    assert buffer.getvalue().startswith(b"\x89PNG")
    with Image.open(buffer) as image:
        return np.asarray(image.convert("RGB"))
