"""Labelling one image after another: what is next, what was skipped, and what each key means."""

from __future__ import annotations

from itertools import product
from threading import Lock
from typing import Any

from sfcmt.reports.audit.record import AuditError
from sfcmt.reports.audit.session import Session
from sfcmt.reports.audit.show import facts, so_far

_BY = "page"
RESERVED = {"undo": "u", "skip": "s", "view": "v", "cannot tell": "?"}
_KEYS = [key for key in "1234567890qwertyuiopasdfghjklzxcvbnm" if key not in RESERVED.values()]


def keys_of(count: int) -> list[str]:
    """What is typed for each of so many classes: a key, or as many keys in a row as are needed, the same for all."""
    length = next(length for length in range(1, count + 2) if len(_KEYS) ** length >= count)
    return ["".join(keys) for keys, _ in zip(product(_KEYS, repeat=length), range(count), strict=False)]


class Labelling:
    """Takes labels for an audit from several threads. What it is told is kept before it says what is next."""

    def __init__(self, session: Session) -> None:
        self._session, self._record, self._lock = session, session.record, Lock()
        self._skipped: list[str] = []
        self._first: str | None = None

    @property
    def state(self) -> dict[str, Any]:
        """What the page shows: the next image and the one after it, and how far it is."""
        with self._lock:
            return self._state()

    def answer(self, id_: str, label: str | None) -> dict[str, Any]:
        """Keep the label of the image that is next. Raises `AuditError` for any other, as of a second window."""
        with self._lock:
            if id_ not in self._waiting()[:1]:
                raise AuditError(f"{id_}: is not the image that is next; it may have been labelled in another window")
            if label is not None and label not in self._record.classes:
                raise AuditError(f"{label}: is no class")
            self._record.answer({id_: label}, _BY)
            return self._state()

    def skip(self, id_: str) -> dict[str, Any]:
        """Ask for the image again when all others are done."""
        with self._lock:
            self._skipped = [*(one for one in self._skipped if one != id_), id_]
            self._first = None
            return self._state()

    def undo(self) -> dict[str, Any]:
        """Take the last label back, whenever it was given, and ask for its image again."""
        with self._lock:
            self._first = self._record.take_back(_BY)
            return self._state()

    def seal(self) -> list[tuple[str, str]]:
        """End the audit; what it found. Raises `AuditError` while images are left."""
        with self._lock:
            if left := self._record.left:
                raise AuditError(f"{len(left)} images are left to label")
            self._session.seal()
            return facts(self._record, self._session.findings())

    def _waiting(self) -> list[str]:
        """Ids that have no label yet: one that was taken back, then in the order of the draw, then those skipped."""
        left = set(self._record.left)
        self._skipped = [id_ for id_ in self._skipped if id_ in left]
        order = [self._first, *(id_ for id_ in self._record.ids if id_ not in self._skipped), *self._skipped]
        return [id_ for id_ in dict.fromkeys(order) if id_ in left]

    def _state(self) -> dict[str, Any]:
        waiting = self._waiting()
        return {
            "images": waiting[:2],
            "answered": len(self._record.labels),
            "labels": len(self._record.ids),
            "skipped": len(self._skipped),
            "may_undo": len(self._record.labels) > self._record.sealed,
            "so_far": so_far(self._session),
        }
