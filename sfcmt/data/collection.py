"""Images that a caller holds, in whatever form: files, arrays, or a torch data set. Each is read when its turn comes.

Shapes: N images are (N, C, H, W), one is (C, H, W) or (H, W); C is 1 or 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sfcmt.data.image_files import image_files, pairs_by_name
from sfcmt.data.images import Pixels, to_pixels
from sfcmt.errors import DataError

_ALLOWED = "a folder of images, paths, an array or tensor (N, C, H, W), or a torch data set"


class Item(NamedTuple):
    """One image of a collection."""

    origin: str
    """What it is called in messages."""
    image: bytes | Pixels
    label: object
    """What a data set says beside the image; None if nothing."""


@dataclass(frozen=True)
class Collection:
    """Images in their order. Going through it raises `DataError` where one cannot be read, or is none."""

    items: Any
    """What has a length, and an image (or a tuple that begins with one) for each place."""
    what: str
    """What the whole is called in messages."""

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        for place in range(len(self)):
            item = self.items[place]
            image, label = (item[0], item[1] if len(item) > 1 else None) if _is_tuple(item) else (item, None)
            origin = str(image) if isinstance(image, str | Path) else f"{self.what}[{place}]"
            yield Item(origin, _image(image, origin), label)


def collected(images: Any, what: str) -> Collection:
    """Images in any form -> a collection. Raises `DataError`; `what` is how its messages call them."""
    if isinstance(images, str | Path):
        images = _files(Path(images), what)
    if isinstance(images, np.ndarray | Tensor) and images.ndim != 4:
        raise DataError(f"{what}: an array of shape {tuple(images.shape)} is not allowed; allowed: (N, C, H, W)")
    if isinstance(images, Mapping) or not (hasattr(images, "__len__") and hasattr(images, "__getitem__")):
        raise DataError(f"{what}: a {type(images).__name__} is not allowed; allowed: {_ALLOWED}")
    if not len(images):
        raise DataError(f"{what}: no images")
    return Collection(images, what)


class Pairs(NamedTuple):
    """Two collections of one length, and a name for each pair."""

    names: Sequence[str]
    source: Collection
    target: Collection


def collected_pairs(pairs: Any) -> Pairs:
    """(source images, target images) in any form: paired by name if both are folders, else by place.

    Raises `DataError` where they do not fit together.
    """
    if not (isinstance(pairs, tuple | list) and len(pairs) == 2):
        raise DataError(f"pairs: a {type(pairs).__name__} is not allowed; allowed: (source images, target images)")
    folders = [isinstance(side, str | Path) for side in pairs]
    if any(folders) and not all(folders):
        raise DataError("pairs: a folder and something else; allowed: two folders, or two of one order")
    if all(folders):
        return _pairs_of_folders(*map(Path, pairs))
    source, target = (collected(side, f"pairs[{place}]") for place, side in enumerate(pairs))
    if len(source) != len(target):
        raise DataError(f"pairs: {len(source)} source images, but {len(target)} target images")
    return Pairs([*map(str, range(len(source)))], source, target)


def _pairs_of_folders(source: Path, target: Path) -> Pairs:
    for folder in (source, target):
        if not folder.is_dir():
            raise DataError(f"pairs: {folder} is no folder")
    found = pairs_by_name(source, target)
    sides = [[files[place] for files in found.values()] for place in (0, 1)]
    return Pairs([*found], collected(sides[0], f"pairs: {source}"), collected(sides[1], f"pairs: {target}"))


def _files(path: Path, what: str) -> list[Path]:
    if not path.exists():
        raise DataError(f"{what}: {path} does not exist")
    return image_files(path) if path.is_dir() else [path]


def _is_tuple(item: object) -> bool:
    return isinstance(item, tuple | list) and len(item) > 0


def _image(image: Any, origin: str) -> bytes | Pixels:
    """What a writer takes. Raises `DataError`."""
    if isinstance(image, str | Path):
        if not Path(image).is_file():
            raise DataError(f"{origin}: no such file")
        return Path(image).read_bytes()
    if isinstance(image, Image.Image):
        return to_pixels(image, origin)
    array = image.detach().cpu().numpy() if isinstance(image, Tensor) else image
    if not isinstance(array, np.ndarray):
        raise DataError(f"{origin}: a {type(image).__name__} is not allowed; allowed: a path, an array, or an image")
    return _stored(_channels_first(array, origin), origin)


def _channels_first(array: NDArray[Any], origin: str) -> NDArray[Any]:
    x_CHW = array[None] if array.ndim == 2 else array
    if x_CHW.ndim != 3 or x_CHW.shape[0] not in (1, 3) or not x_CHW.size:
        raise DataError(f"{origin}: shape {array.shape} is not allowed; allowed: (1, H, W), (3, H, W) or (H, W)")
    return x_CHW


def _stored(x_CHW: NDArray[Any], origin: str) -> Pixels:
    """8 bits of floats in [0, 1], as torchvision's transforms make them; 16 bits of integers of other types."""
    if x_CHW.dtype in (np.uint8, np.uint16):
        return np.ascontiguousarray(x_CHW)
    floats = np.issubdtype(x_CHW.dtype, np.floating)
    if not floats and not np.issubdtype(x_CHW.dtype, np.integer):
        raise DataError(f"{origin}: values of type {x_CHW.dtype} are not allowed; allowed: floats, integers")
    limit = 1 if floats else np.iinfo(np.uint16).max
    if not (x_CHW.min() >= 0 and x_CHW.max() <= limit):  # NaN is not, either
        found = f"values from {x_CHW.min():.4g} to {x_CHW.max():.4g}"
        raise DataError(f"{origin}: {found} are not allowed; allowed: 0 to {limit} for {x_CHW.dtype}")
    return np.rint(x_CHW * 255).astype(np.uint8) if floats else x_CHW.astype(np.uint16)
