"""Texts from files of strangers within our messages: on one line, printable, and short."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

_WIDTH = 80


def shortened(text: object, width: int = _WIDTH) -> str:
    """The first line, of at most `width` characters; what cannot be printed is a question mark."""
    first = next(iter(str(text).splitlines()), "")
    printable = "".join(letter if letter.isprintable() else "?" for letter in first[: width + 1])
    return printable if len(printable) <= width else f"{printable[:width]}..."


def listed(texts: Iterable[object], most: int = 3, separator: str = ", ") -> str:
    """The first `most`; an ellipsis where there are more."""
    first = list(islice(texts, most + 1))
    shown = [shortened(text, 2 * _WIDTH) for text in first[:most]] + ["..."] * (len(first) > most)
    return separator.join(shown)
