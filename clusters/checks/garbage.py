"""What there is to gain on the store's disk."""

from __future__ import annotations

from sfcmt.clusters.checks.finding import Finding, judged
from sfcmt.errors import SfcmtError
from sfcmt.garbage import garbage, text_of
from sfcmt.store import Store


def garbage_finding(store: str, where: str = "here") -> Finding:
    """How much `sfcmt gc` would remove, as far as the store itself knows. It is nothing that has to be done."""
    try:
        pieces = garbage(Store(store))
    except (SfcmtError, OSError) as error:
        return judged(where, "garbage", None, "", f"not looked at: {' '.join(str(error).split())}")
    size = sum(piece.size for piece in pieces)
    found = f"{len(pieces)} folders that nothing uses, {text_of(size)}: sfcmt gc" if pieces else "none"
    return judged(where, "garbage", None, "", found)
