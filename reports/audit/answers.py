"""Answers to an audit: a line each, appended durably, in a chain that begins with the digest of what is audited.

    {"id": ID, "label": CLASS or null (cannot tell), "at": TIME, "by": "page" or "csv", "chain": DIGEST}

A line without a label takes an answer back. Each line's digest is of the line before it and of what it says, so that an
edited line, or one of another audit, breaks the chain. What a killed process has left of a line is passed over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from json import dumps
from pathlib import Path
from typing import Any

from sfcmt.durable import append_whole
from sfcmt.errors import StoreError
from sfcmt.identity import digest
from sfcmt.json_lines import parse_line

ID, LABEL, CHAIN = "id", "label", "chain"
CANNOT_TELL = None
"""The label of an image that nobody can tell."""


@dataclass
class Answers:
    """What was said of the images of a draw. One process at a time appends."""

    path: Path
    chain: str
    """Digest of all that was said; of what is audited, as long as nothing was."""
    labels: dict[str, str | None] = field(default_factory=dict)
    """By id; of images of which nothing was said, or not any more, there is none."""
    order: list[str] = field(default_factory=list)
    """Ids in the order in which they got the label that they have."""
    passed: set[str] = field(default_factory=set)
    """Digests that the chain has had."""

    @staticmethod
    def read(path: Path, audited: str, ids: Collection[str], classes: Collection[str]) -> Answers:
        """The answers in a file, or none. Raises `StoreError` if some are of another audit, or were edited."""
        found = Answers(path, audited)
        for number, line in enumerate(path.read_bytes().splitlines() if path.is_file() else (), 1):
            for record in parse_line(line, _is_answer).records:
                found._follow(record, f"{path} line {number}", ids, classes)
        return found

    def append(self, told: Mapping[str, str | None], by: str) -> None:
        """Keep labels by id, all or none. Raises `DiskError`."""
        self._write([{ID: id_, LABEL: label, "at": now(), "by": by} for id_, label in told.items()])

    def take_back(self, id_: str, by: str) -> None:
        """Take the label of an image back. Raises `DiskError`."""
        self._write([{ID: id_, "at": now(), "by": by}])

    def _write(self, records: list[dict[str, Any]]) -> None:
        chain = self.chain
        for record in records:
            record[CHAIN] = chain = _next(chain, record)
        append_whole(self.path, "".join(f"{dumps(record, ensure_ascii=False)}\n" for record in records).encode())
        for record in records:
            self._apply(record)

    def _follow(self, record: dict[str, Any], where: str, ids: Collection[str], classes: Collection[str]) -> None:
        said = {key: value for key, value in record.items() if key != CHAIN}
        if record[CHAIN] != _next(self.chain, said):
            raise StoreError(
                f"{where}: was edited, or is of another audit: its digest does not follow from those before"
            )
        if record[ID] not in ids or record.get(LABEL, CANNOT_TELL) not in (CANNOT_TELL, *classes):
            raise StoreError(
                f"{where}: {record[ID]} as {record.get(LABEL)!r} is not of this audit's images and classes"
            )
        self._apply(record)

    def _apply(self, record: Mapping[str, Any]) -> None:
        id_ = record[ID]
        self.chain = record[CHAIN]
        self.passed.add(self.chain)
        if self.labels.pop(id_, self) is not self:
            self.order.remove(id_)
        if LABEL in record:
            self.labels[id_] = record[LABEL]
            self.order.append(id_)


def now() -> str:
    """The time, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _next(chain: str, said: Mapping[str, Any]) -> str:
    return digest([chain, dict(said)])


def _is_answer(record: Any) -> bool:
    return isinstance(record, dict) and {ID, CHAIN} <= record.keys()
