"""The record of an audit: a folder of its store, named by what is audited, which a kill at any moment leaves whole.

`audit.json` holds what is audited, the images that were drawn, and when; for each number of labels that was asked for
there is a plan, and a seal once all of its images are answered: the digest of the answers, and what they say. A sealed
answer stays. What is drawn follows from what is audited, so that there is no second draw: more labels extend the first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sfcmt.durable import disk_errors, write_durably
from sfcmt.errors import SfcmtError, StoreError
from sfcmt.file_format import FORMAT, NOW, refuse_newer
from sfcmt.identity import digest
from sfcmt.reports.audit.answers import Answers, now
from sfcmt.store import Store
from sfcmt.tuning.search.audits import ANSWERS, AUDITS, RECORD, fetched


class AuditError(SfcmtError):
    """An audit cannot go on, or is not there."""


class AuditRecord:
    """An audit that has begun."""

    def __init__(self, folder: Path, store: Store) -> None:
        """Raises `AuditError` if there is none, `StoreError` if it is damaged, edited, or of a newer release."""
        self.folder, self._store = folder, store
        self._document: dict[str, Any] = _read(folder / RECORD)

    @staticmethod
    def find(identity: str, store: Store) -> AuditRecord | None:
        """The audit of what has this digest, if it has begun."""
        folder = fetched(store, identity)
        return AuditRecord(folder, store) if (folder / RECORD).is_file() else None

    @staticmethod
    def begin(audited: Mapping[str, Any], draw: Mapping[str, Any], ids: list[str], store: Store) -> AuditRecord:
        """Write down what is audited and what was drawn, before anything is labelled. Raises `DiskError`."""
        folder = store.root / AUDITS / audited["audited"]
        document = {FORMAT: NOW, **audited, "draw": dict(draw), "ids": ids, "plans": [_plan(ids, 0)]}
        _write(folder, document, store)
        return AuditRecord(folder, store)

    def extend(self, draw: Mapping[str, Any], ids: list[str]) -> None:
        """Have more labels, after those that there are. `ids` begin with those drawn before."""
        assert ids[: len(self.ids)] == self.ids, "draws are nested"
        plans = [*self._document["plans"], _plan(ids, len(self.labels))]
        self._change({"draw": dict(draw), "ids": ids, "plans": plans})

    @property
    def identity(self) -> str:
        """Digest of what is audited."""
        return str(self._document["audited"])

    @property
    def models(self) -> list[dict[str, str]]:
        """What is audited: name, transfer and digest of the predictions of each."""
        return list(self._document["models"])

    @property
    def data(self) -> dict[str, Any]:
        """Name, digest and number of the target images."""
        return dict(self._document["data"])

    @property
    def classes(self) -> list[str]:
        """Labels that an image may get."""
        return list(self._document["classes"])

    @property
    def ids(self) -> list[str]:
        """Of the images that were drawn, in the order in which they are labelled."""
        return list(self._document["ids"])

    @property
    def plans(self) -> list[dict[str, Any]]:
        """For each number of labels that was asked for: `labels`, `at`, `answered` before, and, if complete, `seal`."""
        return list(self._document["plans"])

    @property
    def labels(self) -> dict[str, str | None]:
        """Labels so far, by id; None for an image that nobody can tell."""
        return dict(self.answers.labels)

    @property
    def left(self) -> list[str]:
        """Ids that nothing was said of yet."""
        return [id_ for id_ in self.ids if id_ not in self.answers.labels]

    @property
    def sealed(self) -> int:
        """How many of the drawn images have labels that stay."""
        return max([plan["labels"] for plan in self.plans if "seal" in plan], default=0)

    @property
    def is_extended(self) -> bool:
        """Whether labels were seen before the last images were drawn."""
        return bool(self.plans[-1]["answered"])

    @property
    def result(self) -> dict[str, Any] | None:
        """What the labels of the last plan have said, once it is complete."""
        seal = self.plans[-1].get("seal")
        return dict(seal["result"]) if seal else None

    @property
    def seal_digest(self) -> str | None:
        """Digest of the seal of the last plan, once it is complete."""
        return self.plans[-1]["seal"]["digest"] if "seal" in self.plans[-1] else None

    @cached_property
    def answers(self) -> Answers:
        """All that was said. Raises `StoreError` if it is not what was sealed."""
        found = Answers.read(self.folder / ANSWERS, self.identity, set(self.ids), self.classes)
        seals = [plan["seal"]["answers"] for plan in self.plans if "seal" in plan]
        if not found.passed.issuperset(seals) or (self.result is not None and seals[-1] != found.chain):
            raise StoreError(f"{found.path}: its answers are not those that were sealed")
        return found

    def answer(self, told: Mapping[str, str | None], by: str) -> None:
        """Keep labels. Raises `AuditError` for those that are sealed, `DiskError`."""
        self._refuse_sealed(told)
        if not told:
            return
        self.answers.append(told, by)
        self._publish(ANSWERS)

    def take_back(self, by: str) -> str | None:
        """Take the last label back that is not sealed; the image that it was of."""
        sealed = set(self.ids[: self.sealed])
        last = next((id_ for id_ in reversed(self.answers.order) if id_ not in sealed), None)
        if last:
            self.answers.take_back(last, by)
            self._publish(ANSWERS)
        return last

    def seal(self, result: Mapping[str, Any]) -> None:
        """End the last plan: its answers stay, and this is what they say."""
        assert not self.left, "all are answered"
        seal = {"at": now(), "answers": self.answers.chain, "result": dict(result)}
        plan = self.plans[-1] | {"seal": seal | {"digest": digest(seal)}}
        self._change({"plans": [*self.plans[:-1], plan]})

    @contextmanager
    def labelling(self) -> Iterator[None]:
        """Be the one process that labels. Raises `AuditError` while another one does."""
        with disk_errors(self.folder):
            lock = FileLock(self.folder / "labelling.lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                raise AuditError(f"{self.folder}: another process is labelling; end it first") from None
        try:
            self.__dict__.pop("answers", None)
            self._document = _read(self.folder / RECORD)
            yield
        finally:
            lock.release()

    def _refuse_sealed(self, told: Mapping[str, str | None]) -> None:
        changed = [id_ for id_ in self.ids[: self.sealed] if id_ in told and told[id_] != self.answers.labels[id_]]
        if changed:
            raise AuditError(f"{self.folder}: sealed, so that the labels of {', '.join(changed)} stay as they are")

    def _change(self, fields: dict[str, Any]) -> None:
        self._document = self._document | fields
        _write(self.folder, self._document, self._store)

    def _publish(self, name: str) -> None:
        if self._store.remote:
            self._store.remote.put(self.folder / name, f"{AUDITS}/{self.folder.name}/{name}")


def _plan(ids: list[str], answered: int) -> dict[str, Any]:
    return {"labels": len(ids), "at": now(), "answered": answered}


def _write(folder: Path, document: Mapping[str, Any], store: Store) -> None:
    write_durably(folder / RECORD, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode())
    if store.remote:
        store.remote.put(folder / RECORD, f"{AUDITS}/{folder.name}/{RECORD}")


def _read(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        refuse_newer(document, path)
        seals = [plan["seal"] for plan in document["plans"] if "seal" in plan]
        is_whole = document["audited"] == path.parent.name and all(map(_is_whole, seals))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AuditError(f"{path}: not the record of an audit ({type(error).__name__})") from error
    if not is_whole:
        raise StoreError(f"{path}: was edited: its digests are not those of what it holds")
    return document


def _is_whole(seal: Mapping[str, Any]) -> bool:
    return bool(seal["digest"] == digest({key: value for key, value in seal.items() if key != "digest"}))
