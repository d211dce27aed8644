"""Reading what a command says while it works."""

from __future__ import annotations

from typing import IO

import pytest


def read_until(lines: IO[str] | None, *words: str) -> None:
    """Read lines up to one that has all words."""
    assert lines is not None
    read: list[str] = []
    for line in lines:
        read.append(line)
        if all(word in line for word in words):
            return
    pytest.fail(f"no line has {words}:\n{''.join(read)}")
