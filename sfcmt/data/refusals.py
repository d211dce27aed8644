"""Images that cannot be read, while a data set is written: a few are left out and told, many are an error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sfcmt.data.schema import Split
from sfcmt.errors import ImageError

Skip = Callable[[str, str], None]
"""Is told where an image is that is left out, and why. It may raise `DataError`."""


class Refusals:
    """Counts what is left out of each split. Without `skip`, the first image that cannot be read is an error."""

    def __init__(self, skip: Skip | None) -> None:
        self._skip = skip
        self._kept, self._lost = Counter[object](), Counter[object]()
        self._first: dict[object, ImageError] = {}

    @contextmanager
    def left_out(self, split: Split, label: int | None = None) -> Iterator[None]:
        """Within the block an image, or a pair, is read and written. If it cannot be read, nothing of it counts."""
        parts: list[object] = [split] if label is None else [split, (split, label)]
        try:
            yield
        except ImageError as error:
            if self._skip is None:
                raise
            self._skip(error.where, error.reason)
            self._lost.update(parts)
            for part in parts:
                self._first.setdefault(part, error)
        else:
            self._kept.update(parts)

    def check(self) -> None:
        """Raise the first error of a split that has lost half of its images or more, or of a class without one."""
        for part, lost in self._lost.items():
            kept = self._kept[part]
            if kept == 0 or (lost >= kept and isinstance(part, Split)):
                first = self._first[part]
                what = f"{part} images" if isinstance(part, Split) else "source images of its class"
                raise ImageError(first.where, f"{first.reason} (so are {lost} of {lost + kept} {what})")
