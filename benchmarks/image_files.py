"""Images that cost nothing: a thousand different ones, over and over."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from sfcmt.data.importer import import_dataset

_DIFFERENT = 1000
_CLASSES = 4
_FEW = 100
"""Source images, and pairs."""
_SCHEMA = pa.schema(
    {
        "rgb": pa.binary(),
        "target": pa.binary(),
        "label": pa.int64(),
        "class_name": pa.string(),
        "split": pa.string(),
        "group": pa.string(),
        "orig": pa.string(),
    }
)


def different_images(size: int, kind: str) -> list[bytes]:
    """Smooth colours with some noise, (size, size), as files of a kind of Pillow's: JPEG, PNG."""
    random, found = np.random.default_rng(0), []
    for _ in range(_DIFFERENT):
        few = Image.fromarray(random.integers(0, 256, (12, 12, 3), dtype=np.uint8))
        x_HW3 = np.asarray(few.resize((size, size), Image.Resampling.BICUBIC)).astype(int)
        noisy = (x_HW3 + random.integers(-8, 8, x_HW3.shape)).clip(0, 255).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(noisy).save(buffer, kind)
        found.append(buffer.getvalue())
    return found


def write_crops(path: Path, count: int, size: int, kind: str) -> None:
    """A file for the importer of crops: `count` labelled target images, and a few source images and pairs."""
    images = different_images(size, kind)
    with pq.ParquetWriter(path, _SCHEMA) as file:
        for split, rows in (("source", _FEW), ("ti", _FEW), ("target_tr", count)):
            for start in range(0, rows, _DIFFERENT):
                numbers = range(start, min(start + _DIFFERENT, rows))
                made = [_crop(split, number, images[number % _DIFFERENT]) for number in numbers]
                file.write_table(pa.Table.from_pylist(made, schema=_SCHEMA))


def imported(folder: Path, count: int, size: int, kind: str) -> Path:
    """A data set of `count` target images."""
    write_crops(folder / "crops.parquet", count, size, kind)
    import_dataset(folder / "crops.parquet", folder / "data", "crops", {})
    return folder / "data"


def _crop(split: str, number: int, image: bytes) -> dict[str, Any]:
    label = None if split == "ti" else number % _CLASSES
    return {
        "rgb": None if split == "target_tr" else image,
        "target": None if split == "source" else image,
        "label": label,
        "class_name": None if label is None else f"class {label}",
        "split": split,
        "group": f"{split} {number}",
        "orig": f"{split}/{number}",
    }
