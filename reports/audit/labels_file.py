"""Labels by file: a table of exactly the images that were drawn, and the images, for who labels elsewhere."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from sfcmt.data.labels_table import COLUMNS, read_labels
from sfcmt.durable import write_durably
from sfcmt.errors import DataError

UNTOLD = "?"
"""How a table says that nobody can tell what an image shows."""


def read_answers(path: Path, ids: Collection[str], classes: Sequence[str]) -> dict[str, str | None]:
    """Labels by id. An empty one leaves the image for later, and `?` says that nobody can tell.

    Raises `ConfigError` with all that is wrong, a problem a row, and `DataError` for what is no such table.
    """
    return read_labels(path, ids, classes, "an id that was drawn; see --export", UNTOLD)


def labels_table(ids: Sequence[str], labels: Mapping[str, str | None]) -> bytes:
    """The table to fill in, with what is known already."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((id_, (labels[id_] or UNTOLD) if id_ in labels else "") for id_ in ids)
    return text.getvalue().encode()


def write_labels_table(path: Path, table: bytes) -> None:
    """Write the table. Raises `DataError` rather than to write over one that somebody may have filled in."""
    if path.is_file() and path.read_bytes() != table:
        raise DataError(f"{path}: is there already, and differs; give --csv that file, or --export another folder")
    write_durably(path, table)
