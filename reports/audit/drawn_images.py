"""The images of a draw: for the page, and as files for who labels elsewhere."""

from __future__ import annotations

from pathlib import Path

from sfcmt.data.schema import Split
from sfcmt.durable import write_durably
from sfcmt.reports.audit.labels_file import labels_table, write_labels_table
from sfcmt.reports.audit.pictures import View, picture
from sfcmt.reports.audit.session import Session

TABLE = "labels.csv"


class DrawnImages:
    """Encoded images by id. Only rows that were drawn are read."""

    def __init__(self, session: Session) -> None:
        """Raises `DataError` if the target images have changed."""
        dataset, rows = session.audited.dataset, session.audited.rows[list(session.draw.rows)]
        found = dataset.rows(Split.TARGET, rows, "id", "image")
        self._encoded = dict(zip(found["id"].to_pylist(), found["image"].to_pylist(), strict=True))
        self._masked = dataset.manifest.holes == "mask"

    def picture(self, id_: str, view: View) -> bytes:
        """A PNG to look at. Raises `KeyError` for an image that was not drawn, `DataError`."""
        return picture(self._encoded[id_], id_, view, self._masked)


def export(session: Session, folder: Path) -> None:
    """Write the pictures and the table to fill in. Raises `DataError` for a table there that somebody has filled in."""
    record, images = session.record, DrawnImages(session)
    write_labels_table(folder / TABLE, labels_table(record.ids, record.labels))
    for id_ in record.ids:
        write_durably(folder / f"{id_}.png", images.picture(id_, View.COLOURS))
