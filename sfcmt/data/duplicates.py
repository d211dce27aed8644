"""Target images that stand twice: among the TI pairs and the TR target, or in pairs of two frames.

What is in both is not task-irrelevant; of two frames one may be trained on and the other held out. Files of the same
bytes are found among all rows. The same picture, encoded or resized anew, is looked for in up to 3000 rows of each
part, evenly spread: the mean of two cosines, of small grey images and of their edge directions, is above 0.96.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sfcmt.data.dataset import Dataset
from sfcmt.data.local_structure import Array, describe
from sfcmt.data.schema import Split
from sfcmt.data.thumbnails import affordable, thumbnails

_ALIKE = 0.96
_MOST_ROWS = 3000
_BLOCK = 512
_NAMED = 3
_NO_FRAME = ""


class Twins(NamedTuple):
    """The ids of a pair, and of a row that has the same target image."""

    pair: str
    other: str


@dataclass(frozen=True)
class Duplicates:
    """What stands twice. Each pair is named once, with one of its twins."""

    shared: tuple[Twins, ...]
    """Pairs and TR target rows."""
    within: tuple[Twins, ...]
    """Pairs and earlier pairs of another frame."""
    compared: int
    """How many pairs were compared as pictures, and not by their bytes only."""
    against: int
    """With how many TR target images."""

    @property
    def line(self) -> str:
        """What was found."""
        if not self.compared:
            return "there are no pairs to look among"
        if not (self.shared or self.within):
            return f"none among {self.compared} pairs and {self.against} target images"
        return f"{len(self.shared)} pairs in target, {len(self.within)} in pairs of other frames"

    @property
    def warnings(self) -> list[str]:
        """A line for each kind that was found, with what to do."""
        found = []
        if self.shared:
            found.append(f"{_counted(self.shared)} a target image that is in target, too: take them out of the pairs")
        if self.within:
            found.append(f"{_counted(self.within)} the target image of another frame's pair: keep one of each")
        return found


@dataclass(frozen=True)
class _Images:
    id_N: list[str]
    frame_N: NDArray[np.str_]
    digest_N: list[bytes]
    row_M: NDArray[np.int64]  # of those that were decoded
    picture_MD: Array  # their dot products are the mean of the two cosines


def find_duplicates(dataset: Dataset) -> Duplicates:
    """Look for target images of pairs that stand twice. Raises `DataError`."""
    if not dataset.has_pairs:
        return Duplicates((), (), 0, 0)
    pairs, target = _read(dataset, Split.PAIRS, "target_image"), _read(dataset, Split.TARGET, "image")
    within = [(row, other) for row, other in _twins(pairs, pairs) if other < row]
    shared = _named(pairs, target, _twins(pairs, target))
    return Duplicates(shared, _named(pairs, pairs, within), len(pairs.row_M), len(target.row_M))


def _read(dataset: Dataset, split: Split, column: str) -> _Images:
    manifest, ids = dataset.manifest, dataset.columns(split, "id")["id"].to_pylist()
    is_paired = split is Split.PAIRS
    frames = dataset.columns(split, "group")["group"].to_pylist() if is_paired else [_NO_FRAME] * len(ids)
    most = min(_MOST_ROWS, affordable(manifest.max_size) // 2, len(ids))
    row_M = np.linspace(0, len(ids) - 1, most).astype(np.int64)
    encoded = dataset.rows(split, row_M, column)[column]
    x_MHW = thumbnails(encoded, manifest.holes == "mask", f"{dataset.folder}/{split}")
    batches = dataset.batches(split, column)
    digests = [hashlib.sha256(image.as_buffer()).digest() for batch in batches for image in batch[column]]
    return _Images(ids, np.array(frames), digests, row_M, _pictures(x_MHW))


def _pictures(x_MHW: Array) -> Array:
    m, height, width = x_MHW.shape
    small = x_MHW.reshape(m, height // 2, 2, width // 2, 2).mean(axis=(2, 4)).reshape(m, -1)
    parts = [_unit(small - small.mean(axis=1, keepdims=True)), _unit(describe(x_MHW))]
    pictures: Array = np.concatenate(parts, axis=1) / np.sqrt(np.float32(2))
    return pictures


def _unit(x_ND: Array) -> Array:
    unit: Array = x_ND / np.maximum(np.linalg.norm(x_ND, axis=1, keepdims=True), 1e-6)
    return unit


def _twins(images: _Images, others: _Images) -> list[tuple[int, int]]:
    """Rows of `images`, each with a row of `others`, of another frame, that has the same image."""
    return sorted({**_same_picture(images, others), **_same_bytes(images, others)}.items())


def _same_bytes(images: _Images, others: _Images) -> dict[int, int]:
    first = {digest: row for row, digest in reversed(list(enumerate(others.digest_N)))}
    twins = ((row, first[digest]) for row, digest in enumerate(images.digest_N) if digest in first)
    return {row: other for row, other in twins if images.frame_N[row] != others.frame_N[other]}


def _same_picture(images: _Images, others: _Images) -> dict[int, int]:
    twins: dict[int, int] = {}
    for start in range(0, len(images.row_M), _BLOCK):
        rows = images.row_M[start : start + _BLOCK]
        alike = images.picture_MD[start : start + _BLOCK] @ others.picture_MD.T > _ALIKE
        alike &= images.frame_N[rows][:, None] != others.frame_N[others.row_M]
        found = alike.any(axis=1)
        twins |= zip(rows[found].tolist(), others.row_M[alike[found].argmax(axis=1)].tolist(), strict=True)
    return twins


def _named(images: _Images, others: _Images, twins: list[tuple[int, int]]) -> tuple[Twins, ...]:
    return tuple(Twins(images.id_N[row], others.id_N[other]) for row, other in twins)


def _counted(twins: tuple[Twins, ...]) -> str:
    first = ", ".join(f"{pair} = {other}" for pair, other in twins[:_NAMED])
    return f"{len(twins)} pairs ({first}{', ...' if len(twins) > _NAMED else ''}) have"
