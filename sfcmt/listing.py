"""Lists in messages and on cards."""

from __future__ import annotations

from collections.abc import Sequence

_MOST = 20


def listed(names: Sequence[str]) -> str:
    """All of them, or the first and how many more there are."""
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
