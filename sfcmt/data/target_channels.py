"""How many channels the target images of a data set have: decided over all of them, when all are known.

If no image has colours, grey ones that are saved with three channels are of one. If some have, all keep three, and
images of a single channel have it three times; but where these are not in the minority, a coloured one is a mistake.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sfcmt.data.channels import SHARE, SPREAD, is_grey, one_channel, three_channels
from sfcmt.data.images import BITS, Pixels, decode, encode, fill_holes
from sfcmt.data.manifest import Holes, Modality, Normalisation
from sfcmt.data.moments import Moments
from sfcmt.data.part_file import write_part
from sfcmt.data.row_groups import parquet_file
from sfcmt.data.schema import Split, file_name
from sfcmt.errors import DataError

_ROWS_AT_ONCE = 256
Form = Literal["single", "grey", "coloured", "other"]
"""One channel; three that say the same; three that do not; another number."""


def form_of(x_CHW: Pixels) -> Form:
    """What an image is, by itself."""
    if x_CHW.shape[0] == 1:
        return "single"
    if x_CHW.shape[0] == 3:
        return "grey" if is_grey(x_CHW) else "coloured"
    return "other"


class TargetChannels:
    """Counts the target images of a data set, and settles their channels at the end."""

    def __init__(self, holes: Holes) -> None:
        self._holes = holes
        self._forms: Counter[Form] = Counter()
        self._tinted = 0
        self._kind: tuple[int, np.dtype[Any]] | None = None
        self._coloured = ""
        self._as_one, self._as_given, self._single = (Moments(holes == "mask") for _ in range(3))
        self.sizes: set[tuple[int, int]] = set()

    def add(self, x_CHW: Pixels, where: str) -> Pixels:
        """Count an image; what is stored of it until all are known. Raises `DataError` for one of another kind."""
        form = form_of(x_CHW)
        self._check(form, x_CHW, where)
        self._forms[form] += 1
        self.sizes.add((x_CHW.shape[1], x_CHW.shape[2]))
        filled = self._filled(x_CHW)
        (self._single if form == "single" else self._as_given).add(filled)
        if form != "grey":
            return filled
        one = one_channel(x_CHW)
        self._tinted += bool((x_CHW != one).any())
        self._as_one.add(self._filled(one))
        return x_CHW  # filled when it is known with how many channels

    def _check(self, form: Form, x_CHW: Pixels, where: str) -> None:
        kind = (x_CHW.shape[0], x_CHW.dtype)
        first = self._kind = self._kind or kind
        if form == "coloured" and not self._coloured:
            self._coloured = where
        both = self._coloured and (form == "single" or self._forms["single"])
        alike = first[0] == kind[0] or {first[0], kind[0]} == {1, 3}
        if first[1] != kind[1] or not alike or (both and x_CHW.dtype != np.uint8):
            others = f"{first[0]} x {first[1]} images"
            raise DataError(f"{where}: {kind[0]} x {kind[1]} image in a data set of {others}")

    def settle(self, folder: Path) -> None:
        """Give all images in the written parts the channels of the data set. Raises `DataError`."""
        single, grey, coloured = (self._forms[form] for form in ("single", "grey", "coloured"))
        if coloured and single >= grey + coloured:
            few = f"a coloured image, where {single} of {self._forms.total()} target images have a single channel"
            raise DataError(f"{self._coloured}: {few}; take it out, or save all with three channels")
        if self._tinted and not coloured:
            rule = f"they differ by {SPREAD} at most in {SHARE:.0%} of the pixels"
            told = "%d target images with three nearly equal channels keep the mean of these (%s)"
            logging.getLogger("sfcmt").warning(told, self._tinted, rule)
        if grey or (coloured and single):
            for part, column in ((Split.PAIRS, "target_image"), (Split.TARGET, "image")):
                _rewrite(folder, part, column, self._settled)

    def modality(self, name: str) -> Modality:
        """What the manifest says of them."""
        assert self._kind is not None, "there are target images"
        moments = self._as_given if self._forms["coloured"] or self._forms["other"] else self._as_one
        return modality_of(name, moments + self._single, self._kind[1])

    def _settled(self, data: bytes, where: str) -> bytes:
        x_CHW = decode(data, where)
        channels = 3 if self._forms["coloured"] else 1
        if x_CHW.shape[0] == channels and not (channels == 3 and is_grey(x_CHW)):
            return data
        given = three_channels(x_CHW) if channels == 3 else one_channel(x_CHW)
        filled = self._filled(given)
        return data if filled is x_CHW else encode(filled)

    def _filled(self, x_CHW: Pixels) -> Pixels:
        return fill_holes(x_CHW) if self._holes == "fill" else x_CHW


def modality_of(name: str, moments: Moments, dtype: np.dtype[Any]) -> Modality:
    """A modality by its statistics. Raises `DataError` for images of one flat value."""
    mean, std = moments.mean_and_std()
    if not (std > 0).all():
        raise DataError(f"{name}: all images are of one flat value")
    bits = BITS[dtype.name]
    means, stds = (mean, std) if bits == 32 else (np.round(mean, 6), np.round(std, 6))  # of any unit
    return Modality(
        name=name, channels=len(mean), bits=bits, normalisation=Normalisation(mean=tuple(means), std=tuple(stds))
    )


def _rewrite(folder: Path, part: Split, column: str, change: Any) -> None:
    path = folder / file_name(part)
    old = path.rename(path.with_suffix(".old"))
    write_part(folder, part, _changed(old, column, change))
    old.unlink()


def _changed(path: Path, column: str, change: Any) -> Iterator[dict[str, Any]]:
    with parquet_file(path) as file:
        for batch in file.iter_batches(_ROWS_AT_ONCE):
            for row in batch.to_pylist():
                yield row | {column: change(row[column], row["id"])}
