"""A data set of ours made of collections, kept in a store under a name that its content has given it."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from sfcmt.data.collection import Collection, Item, Pairs
from sfcmt.data.manifest import Holes
from sfcmt.data.reading import PLAIN, Reading
from sfcmt.data.writer import DatasetInfo, DatasetWriter
from sfcmt.durable import disk_errors
from sfcmt.errors import DataError

_SOURCE, _TARGET = "rgb", "target"
"""Names of the modalities."""


@dataclass(frozen=True)
class CollectedData:
    """Target images, and pairs if there are any, of a task whose source model is given.

    With `labelled`, what stands beside each target image is its label, and is sealed. Raises `DataError`.
    """

    target: Collection
    pairs: Pairs
    holes: Holes = "keep"
    labelled: bool = False
    reading: Reading = PLAIN

    def stored(self, store: Path) -> Path:
        """The folder of the data set below `store`, written now if it is not there. The images are read in any case."""
        folder = store / "data" / f"given-{self._digest()}"
        if not folder.exists():
            with disk_errors(folder):
                folder.parent.mkdir(parents=True, exist_ok=True)
                with FileLock(folder.with_suffix(".lock")):
                    if not folder.exists():
                        self._write(folder)
        return folder

    @property
    def _classes(self) -> tuple[str, ...]:
        """Names of the labels, as torchvision's data sets have them; none without labels."""
        if not self.labelled:
            return ()
        if (names := getattr(self.target.items, "classes", None)) is None:
            raise DataError("target: its labels have no names; allowed: a torch data set with `classes`")
        return tuple(names)

    @property
    def _form(self) -> tuple[object, ...]:
        """All but the images."""
        return (self.holes, self.reading, self._classes, len(self.target), *self.pairs.names)

    def _targets(self) -> Iterator[tuple[Item, int | None]]:
        return ((item, _label(item) if self.labelled else None) for item in self.target)

    def _digest(self) -> str:
        found = hashlib.sha256(repr(self._form).encode())
        for item, label in self._targets():
            _add(found, item, label)
        for side in (self.pairs.source, self.pairs.target):
            for item in side:
                _add(found, item, None)
        return found.hexdigest()[:20]

    def _write(self, folder: Path) -> None:
        made_of: dict[str, str | int | float | bool] = {"importer": "sfcmt.transfer"}
        kept: dict[str, Any] = {"source_images": False, "pairs": bool(self.pairs.names), "reading": self.reading}
        info = DatasetInfo(folder.name, _SOURCE, _TARGET, self._classes, made_of, self.holes, **kept)
        with DatasetWriter(folder, info) as writer:
            for name, source, target in zip(*self.pairs, strict=True):
                writer.add_pair(source.image, target.image, f"pairs/{name}", f"{source.origin} and {target.origin}")
            for item, label in self._targets():
                writer.add_target(item.image, item.origin, item.origin, label)


def _label(item: Item) -> int:
    try:
        return operator.index(item.label)  # type: ignore[arg-type]
    except TypeError as error:
        raise DataError(f"{item.origin}: label {item.label!r} is not allowed; allowed: a whole number") from error


def _add(found: Any, item: Item, label: int | None) -> None:
    """Add an image and its label to a digest, so that no two different ones add the same."""
    image = item.image
    form = len(image) if isinstance(image, bytes) else (image.dtype.str, image.shape)
    found.update(repr((label, form)).encode())
    found.update(image if isinstance(image, bytes) else image.tobytes())
