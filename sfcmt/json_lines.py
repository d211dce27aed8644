"""Files of JSON records, a line each, of which a crash or a full disk may have torn some: what is whole is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

_DECODER = json.JSONDecoder()


class Line(NamedTuple):
    """The whole records of a line: one, but where lines have run into each other."""

    records: list[Any]
    is_damaged: bool
    """Whether something of it is lost."""


def parse_line(line: bytes, is_record: Callable[[Any], bool]) -> Line:
    """Read a line. `is_record` knows a record from a part of one."""
    text = line.decode(errors="replace").strip()
    records, read = [], 0
    for place, record, end in _values(text):
        if is_record(record):
            records.append(record)
            read += end - place
    return Line(records, read != len(text))


def _values(text: str) -> Iterator[tuple[int, Any, int]]:
    """JSON objects and lists in a text, from left to right, each with where it begins and ends."""
    place = 0
    while place < len(text):
        if text[place] in "{[":
            try:
                value, end = _DECODER.raw_decode(text, place)
            except ValueError:
                place += 1
                continue
            yield place, value, end
            place = end
        else:
            place += 1
