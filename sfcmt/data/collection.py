"""Images that a caller holds, in whatever form: files, arrays, or a torch data set. Each is read when its turn comes.

Shapes: N images are (N, C, H, W), one is (C, H, W) or (H, W), of any number of channels.
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

from sfcmt.data.decoding import decode_image
from sfcmt.data.image_files import content
from sfcmt.data.images import Pixels
from sfcmt.data.paired_files import pairs_by_name
from sfcmt.data.read_image import read_image
from sfcmt.data.scanner import Scanner, files_at
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
    measured: bool = False
    """Whether floats are values of some unit, which stay as they are; else they are brightness from 0 to 1."""

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        for place in range(len(self)):
            item = self.items[place]
            image, label = (item[0], item[1] if len(item) > 1 else None) if _is_tuple(item) else (item, None)
            origin = str(image) if isinstance(image, str | Path) else f"{self.what}[{place}]"
            yield Item(origin, _image(image, origin, self.measured), label)


def collected(images: Any, what: str, measured: bool = False) -> Collection:
    """Images in any form -> a collection. Raises `DataError`; `what` is how its messages call them."""
    if isinstance(images, str | Path):
        images = _files(Path(images), what)
    if isinstance(images, np.ndarray | Tensor) and images.ndim != 4:
        raise DataError(f"{what}: an array of shape {tuple(images.shape)} is not allowed; allowed: (N, C, H, W)")
    if isinstance(images, Mapping) or not (hasattr(images, "__len__") and hasattr(images, "__getitem__")):
        raise DataError(f"{what}: a {type(images).__name__} is not allowed; allowed: {_ALLOWED}")
    if not len(images):
        raise DataError(f"{what}: no images")
    return Collection(images, what, measured)


class Pairs(NamedTuple):
    """Two collections of one length, and a name for each pair."""

    names: Sequence[str]
    source: Collection
    target: Collection


def collected_pairs(pairs: Any, measured: bool = False) -> Pairs:
    """(source images, target images) in any form: paired by name if both are folders, else by place; None for none.

    `measured` is of the target images. Raises `DataError` where they do not fit together.
    """
    if pairs is None:
        return Pairs([], Collection([], "pairs"), Collection([], "pairs"))
    if not (isinstance(pairs, tuple | list) and len(pairs) == 2):
        raise DataError(f"pairs: a {type(pairs).__name__} is not allowed; allowed: (source images, target images)")
    folders = [isinstance(side, str | Path) for side in pairs]
    if any(folders) and not all(folders):
        raise DataError("pairs: a folder and something else; allowed: two folders, or two of one order")
    if all(folders):
        return _pairs_of_folders(*map(Path, pairs))
    source, target = collected(pairs[0], "pairs[0]"), collected(pairs[1], "pairs[1]", measured)
    if len(source) != len(target):
        raise DataError(f"pairs: {len(source)} source images, but {len(target)} target images")
    return Pairs([*map(str, range(len(source)))], source, target)


def _pairs_of_folders(source: Path, target: Path) -> Pairs:
    for folder in (source, target):
        if not folder.is_dir():
            raise DataError(f"pairs: {folder} is no folder")
    found = pairs_by_name(source, target, Scanner())
    sides = [[files[place] for files in found.values()] for place in (0, 1)]
    return Pairs([*found], collected(sides[0], f"pairs: {source}"), collected(sides[1], f"pairs: {target}"))


def _files(path: Path, what: str) -> list[Path]:
    if not path.exists():
        raise DataError(f"{what}: {path} does not exist")
    return files_at(path)


def _is_tuple(item: object) -> bool:
    return isinstance(item, tuple | list) and len(item) > 0


def _image(image: Any, origin: str, measured: bool) -> bytes | Pixels:
    """What a writer takes. Raises `DataError`."""
    if isinstance(image, str | Path):
        if not Path(image).is_file():
            raise DataError(f"{origin}: no such file")
        return content(Path(image))
    if isinstance(image, Image.Image):
        return read_image(decode_image(image, origin), origin).x_CHW
    array = image.detach().cpu().numpy() if isinstance(image, Tensor) else image
    if not isinstance(array, np.ndarray):
        raise DataError(f"{origin}: a {type(image).__name__} is not allowed; allowed: a path, an array, or an image")
    x_CHW = _channels_first(array, origin)
    if measured and np.issubdtype(x_CHW.dtype, np.floating):
        return np.ascontiguousarray(x_CHW, dtype=np.float32)
    return _stored(x_CHW, origin)


def _channels_first(array: NDArray[Any], origin: str) -> NDArray[Any]:
    x_CHW = array[None] if array.ndim == 2 else array
    if x_CHW.ndim != 3 or not x_CHW.size or x_CHW.shape[0] > min(x_CHW.shape[1:]):
        raise DataError(f"{origin}: shape {array.shape} is not allowed; allowed: (C, H, W) or (H, W)")
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
