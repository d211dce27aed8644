"""Images of a small task in the forms that people have them in, and settings under which a transfer takes a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sfcmt.testing.tiny import rgb, scene, target

OVERRIDES = ("transfer.epochs=1", "transfer.batch=16", "runtime.device=cpu", "runtime.threads=1")


class Images(NamedTuple):
    """Target images of three classes, and pairs of other things: (N, 1, 32, 32) and (N, 3, 32, 32)."""

    target: NDArray[Any]
    pairs: tuple[NDArray[Any], NDArray[Any]]


def images(count: int = 18) -> Images:
    """The same ones at each call, in 8 bits."""
    random = np.random.default_rng(0)
    scenes = [scene(place % 3, random) for place in range(count)]
    others = [scene(3 + place % 2, random) for place in range(count)]
    pairs = np.stack([rgb(one) for one in others]), np.stack([target(one, 8, False) for one in others])
    return Images(np.stack([target(one, 8, False) for one in scenes]), pairs)


def write_folders(root: Path) -> Path:
    """The same images in the folders thermal, rgb and thermal_pairs; returns `root`."""
    seen = images()
    for name, pixels in (("thermal", seen.target), ("rgb", seen.pairs[0]), ("thermal_pairs", seen.pairs[1])):
        (root / name).mkdir()
        for place, x_CHW in enumerate(pixels):
            Image.fromarray(x_CHW.transpose(1, 2, 0).squeeze()).save(root / name / f"{place:03d}.png")
    return root
