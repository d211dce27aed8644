"""An audit that goes on: what is audited, the record of it, and what its labels say so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfcmt.errors import ConfigError, Problem, StoreError
from sfcmt.reports.audit.audited import Audited
from sfcmt.reports.audit.draw import Draw, draw
from sfcmt.reports.audit.findings import Finding, findings
from sfcmt.reports.audit.record import AuditRecord

LABELS = 60
"""How many are planned, unless a user says otherwise."""


class Session:
    """What is audited and its record agree: the images are those that follow from its digest."""

    def __init__(self, audited: Audited, record: AuditRecord) -> None:
        """Raises `StoreError` if the images in the record are not those that are drawn."""
        self.audited, self.record = audited.in_order([model["transfer"] for model in record.models]), record
        self.draw = _drawn(self.audited, len(record.ids))
        if _ids(audited, self.draw) != record.ids:
            raise StoreError(f"{record.folder}: was edited: its images are not those that follow from what is audited")

    @staticmethod
    def open(audited: Audited, labels: int | None = None) -> Session:
        """Begin an audit of so many labels, go on with the one that there is, or extend it by more labels.

        Raises `ConfigError` for fewer labels than were drawn, and for more than there are images.
        """
        if (record := AuditRecord.find(audited.identity, audited.store)) is None:
            drawn = _drawn(audited, labels) if labels else _at_most(audited, LABELS)
            begun = AuditRecord.begin(audited.document, drawn.document(), _ids(audited, drawn), audited.store)
            return Session(audited, begun)
        session = Session(audited, record)
        if labels is None or labels == len(record.ids):
            return session
        if labels < len(record.ids):
            raise ConfigError([Problem("--labels", labels, f"{len(record.ids)}, which are drawn already, or more")])
        with record.labelling():
            drawn = _drawn(session.audited, labels)
            record.extend(drawn.document(), _ids(audited, drawn))
        return Session(audited, record)

    @property
    def answers(self) -> dict[int, int | None]:
        """True class by row; None where nobody can tell."""
        rows = dict(zip(self.record.ids, self.draw.rows, strict=True))
        classes: Mapping[str | None, int | None] = {name: place for place, name in enumerate(self.record.classes)}
        return {rows[id_]: classes.get(label) for id_, label in self.record.labels.items()}

    def findings(self) -> list[Finding]:
        """What the labels say so far, or have said when they were sealed."""
        if told := self.record.result:
            return [Finding.of(one) for one in told["findings"]]
        return findings(self.audited, self.draw, self.answers, self.record.is_extended)

    def seal(self) -> None:
        """End the audit, as far as it is planned, once all of its images are answered."""
        told: dict[str, Any] = {"findings": [finding.document for finding in self.findings()]}
        self.record.seal(told)


def _drawn(audited: Audited, labels: int) -> Draw:
    """Raises `ConfigError` for more labels than there are images."""
    drawn = _at_most(audited, labels)
    if len(drawn.rows) < labels:
        differ = " on which the two models differ" if drawn.question == "difference" else ""
        raise ConfigError([Problem("--labels", labels, f"up to {len(drawn.rows)}, the images{differ}")])
    return drawn


def _at_most(audited: Audited, labels: int) -> Draw:
    """So many, or all that there are. Of two models, only images on which they differ say which is better.

    Raises `ConfigError` where two models say the same of all images.
    """
    first, *others = audited.models
    against_N = others[0].predictions if len(others) == 1 else None
    drawn = draw(first.predictions, labels, audited.seed, against_N=against_N)
    if not drawn.rows:
        raise ConfigError([Problem("--against", others[0].name, "a model that says something else of some image")])
    return drawn


def _ids(audited: Audited, drawn: Draw) -> list[str]:
    return [audited.ids[row] for row in drawn.rows]
