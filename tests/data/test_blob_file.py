"""Blobs on disk."""

from __future__ import annotations

from pathlib import Path

from sfcmt.data.blob_file import BlobFile


def test_blobs_are_read_in_any_order_even_between_writes(tmp_path: Path) -> None:
    blobs = BlobFile(tmp_path)
    first, empty = blobs.add(b"first"), blobs.add(b"")
    assert blobs.read(first) == b"first"
    last = blobs.add(b"last one")
    assert [blobs.read(place) for place in (last, empty, first)] == [b"last one", b"", b"first"]
    blobs.close()
    assert [*tmp_path.iterdir()] == []
