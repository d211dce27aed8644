"""Small trees in the exact layouts of the official downloads, one builder per importer."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

SIZE = (12, 16)
SUN_SCENES = {
    "kv1": ("kv1/NYUdata/NYU{:04d}", "kv1/b3dodata/img_{:04d}"),
    "kv2": ("kv2/kinect2data/{:06d}_2014-05-26_14-23-37_260595134347_rgbf000103-resize", "kv2/align_kv2/{:06d}"),
    "realsense": ("realsense/lg/2014_10_21-18_{:02d}", "realsense/sh/2014_10_22-11_{:02d}"),
    "xtion": ("xtion/xtion_align_data/2014-12-14_{:02d}", "xtion/sun3ddata/home_{:02d}/scan1/0000001-000000000000"),
}
SUN_CLASSES = ("bedroom", "kitchen", "office")


def rgb(seed: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """(H, W, 3) noise."""
    return np.random.default_rng(seed).integers(1, 256, (*size, 3), dtype=np.uint8)


def grey(seed: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """(H, W) noise without zeros."""
    return np.random.default_rng(seed).integers(1, 256, size, dtype=np.uint8)


def depth(seed: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint16]:
    """(H, W) millimetres without holes."""
    return np.random.default_rng(seed).integers(500, 8000, size, dtype=np.uint16)


def encoded(pixels: NDArray[Any], kind: str = "PNG") -> bytes:
    """Bytes of an image file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=kind)
    return buffer.getvalue()


def save(path: Path, data: bytes) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def crop_rows(per_class: int = 6) -> list[dict[str, Any]]:
    """Rows of a file of crops: two classes, and pairs of a third."""
    names = [("source", 0, "bed"), ("source", 1, "chair"), ("target_tr", 0, "bed"), ("target_tr", 1, "chair")]
    rows: list[dict[str, Any]] = []
    for split, label, class_name in [*names, ("ti", None, "lamp")]:
        for number in range(per_class):
            seed = len(rows)
            images = {"rgb": encoded(rgb(seed), "JPEG"), "target": encoded(grey(seed), "JPEG")}
            place = {"group": f"{split}_{number // 2}", "orig": f"{class_name}/{number}", "w": 16, "h": 12}
            rows.append(images | {"label": label, "class_name": class_name, "split": split} | place)
    return rows


def write_crops(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as the Parquet file of crops."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def crops_tree(folder: Path) -> Path:
    """A file of crops; returns it."""
    return write_crops(folder / "crops.parquet", crop_rows())


def sun_scene(folder: Path, class_name: str, seed: int) -> Path:
    """One scene folder of SUN RGB-D, with its depth rotated left by three bits."""
    save(folder / "scene.txt", f"{class_name}\n".encode())
    save(folder / "intrinsics.txt", b"529.5 0 365 0 529.5 265 0 0 1")
    save(folder / "image" / f"{seed:07d}.jpg", encoded(rgb(seed), "JPEG"))
    for name in ("depth", "depth_bfx"):
        millimetres = depth(seed).astype(np.uint32)
        stored = ((millimetres << 3) | (millimetres >> 13)).astype(np.uint16)
        save(folder / name / f"{seed:07d}_abs.png", encoded(stored))
    return folder


def sunrgbd_tree(folder: Path) -> Path:
    """SUN RGB-D: three classes under all sensors, one under two only, and scenes that nobody could name."""
    root, seed = folder / "SUNRGBD", 0
    for sensor, patterns in SUN_SCENES.items():
        rare = ("gym",) if sensor in ("kv1", "xtion") else ("lab",)
        for number, class_name in enumerate((*SUN_CLASSES * 4, *rare * 2, "idk")):
            sun_scene(root / patterns[number % 2].format(number), class_name, seed)
            seed += 1
        assert (root / sensor).is_dir()
    return root


def diml_tree(folder: Path) -> Path:
    """DIML in low resolution: seven classes, of which `Corridor` has the fewest images."""
    root, seed = folder / "DIML", 0
    names = ("Warehouse", "Cafe", "Library", "Bedroom", "Kitchen", "Store", "Corridor")
    for number, name in enumerate(names):
        for frame in range(2 if name == "Corridor" else 4):
            scene = root / ("train" if frame % 2 else "test") / "LR" / f"{number + 1}. {name}"
            stem = f"in_00_160126_{seed:06d}"
            save(scene / "color" / f"{stem}_c.png", encoded(rgb(seed)))
            save(scene / "depth_filled" / f"{stem}_depth_filled.png", encoded(depth(seed)))
            seed += 1
    return root


def rgbnir_tree(folder: Path) -> Path:
    """RGB-NIR scenes: the nine classes, of which country, field and forest have fewer images."""
    root, seed = folder / "nirscene1", 0
    names = ("country", "field", "forest", "indoor", "mountain", "oldbuilding", "street", "urban", "water")
    for place, name in enumerate(names):
        for number in range(2 if place < 3 else 4):
            save(root / name / f"{number:04d}_rgb.tiff", encoded(rgb(seed), "TIFF"))
            save(root / name / f"{number:04d}_nir.tiff", encoded(grey(seed), "TIFF"))
            seed += 1
    return root


def paired_tree(folder: Path) -> Path:
    """Plain folders with target labels; a pair's two files differ in their extensions."""
    root, lines = folder / "plain", ["file,label"]
    for place, name in enumerate(("cat", "dog")):
        for number in range(6):
            seed = 10 * place + number
            save(root / "source" / name / f"{number}.jpg", encoded(rgb(seed), "JPEG"))
            save(root / "target" / f"{name[0]}{number}.png", encoded(depth(seed)))
            lines.append(f"{name[0]}{number}.png,{name}")
    for number in range(3):
        save(root / "pairs" / "source" / "a" / f"{number}.jpeg", encoded(rgb(number), "JPEG"))
        save(root / "pairs" / "target" / "a" / f"{number}.tiff", encoded(depth(number), "TIFF"))
    save(root / "target_labels.csv", "\n".join(lines).encode())
    return root


def truncate_first(pattern: str) -> Callable[[Path], None]:
    """A way to damage a tree: cut the first image that matches in half."""

    def damage(root: Path) -> None:
        path = sorted(root.rglob(pattern))[0]
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return damage


def damage_crops(path: Path) -> None:
    """Cut the last row's target image in half."""
    rows = crop_rows()
    rows[-1]["target"] = rows[-1]["target"][:100]
    write_crops(path, rows)


@dataclass(frozen=True)
class Tree:
    """How to build a small example of a layout, and how to damage one of its images."""

    build: Callable[[Path], Path]
    damage: Callable[[Path], None]


TREES = {
    "crops": Tree(crops_tree, damage_crops),
    "sunrgbd": Tree(sunrgbd_tree, truncate_first("xtion/**/depth_bfx/*.png")),
    "diml": Tree(diml_tree, truncate_first("*_depth_filled.png")),
    "rgbnir": Tree(rgbnir_tree, truncate_first("*_nir.tiff")),
    "paired": Tree(paired_tree, truncate_first("target/*.png")),
}
