"""The folder of a study. On an object store it is a copy, which one driver at a time publishes every few seconds.

STORE/studies/NAME-IDENTITY/
  spec.json         the checked spec and experiment, and the commit of the code
  journal.log       the Optuna study (unless it is in a database)
  reports/          every report of every trial, for MLflow
  selection.json    the winner, written when every trial has ended; those before the study was extended are kept in it
  distilled.json    the model that `sfcmt distill` made of its finished trials
  scores.json       what the labels say of it, written by `sfcmt score`
  driver.json       on an object store: a sign that a driver lives; what grows is there in segments, journal.log.000001

A driver that is lost with its machine costs the last seconds of its journal: their trials are run again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sfcmt.commit import code_version
from sfcmt.durable import disk_errors, write_durably
from sfcmt.errors import ConfigError, Problem
from sfcmt.file_format import refuse_newer
from sfcmt.storage import Storage
from sfcmt.store import Store
from sfcmt.tuning.kinds import StudyKind
from sfcmt.tuning.search.driver import SIGN, Driver, refusal
from sfcmt.tuning.search.optuna_study import SearchError
from sfcmt.tuning.search.segments import read_segments, whole_names
from sfcmt.tuning.search.study_storage import JOURNAL

SPEC, SELECTION, SCORES, REPORTS = "spec.json", "selection.json", "scores.json", "reports"
DISTILLED = "distilled.json"


def study_names(store: Store) -> list[str]:
    """Names of the studies' folders, here and on the object store."""
    folder = store.root / "studies"
    with disk_errors(folder):  # `glob` would pass over a folder that may not be read
        here = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return sorted(here | set(store.remote.names("studies") if store.remote else ()))


def find_folder(place: str, store: Store, kind: StudyKind | None = None) -> Path:
    """Folder of the only study of that name (or name and identity), and kind, in the store. Raises `ConfigError`."""
    found = find_folders(place, store, kind)
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ConfigError([Problem("STUDY", place, f"one of the studies of that name: {names}")])
    return found[0]


def find_folders(place: str, store: Store, kind: StudyKind | None = None) -> list[Path]:
    """Folders of all studies of that name (or name and identity), and kind, in the store. Raises `ConfigError`."""
    known = study_names(store)
    named = [StudyFolder(store, name).path for name in known if place in (name, name.rpartition("-")[0])]
    found = [path for path in named if kind is None or kind_of(path) == kind]
    if not found:
        allowed = f"a study's folder, or the name of a {kind or 'study'} among {', '.join(known) or 'none'}"
        raise ConfigError([Problem("STUDY", place, allowed)])
    return found


def kind_of(folder: Path) -> StudyKind | None:
    """What kind of study a folder holds: a search, unless `spec.json` says otherwise; None without one."""
    path = folder / SPEC
    return (
        StudyKind(json.loads(path.read_text(encoding="utf-8")).get("kind", StudyKind.SEARCH))
        if path.is_file()
        else None
    )


class StudyFolder:
    """The folder `path` of one study, fetched if it is a copy."""

    def __init__(self, store: Store, name: str) -> None:
        self.path = store.root / "studies" / name
        self._remote, self._place = store.remote, f"studies/{name}"
        self.fetch()

    def fetch(self) -> bool:
        """Bring the copy up to what was published; whether what grows, the journal and the reports, has changed.

        What grows is left alone if it only goes on from what was published: its driver died here before it could be.
        """
        if self._remote is None:
            return False
        there = [name for name in self._remote.names(self._place) if name not in (SIGN, REPORTS)]
        there += [f"{REPORTS}/{name}" for name in self._remote.names(f"{self._place}/{REPORTS}")]
        changed = [self._fetch(self._remote, name) for name in whole_names(there)]
        return any(changed)

    def publish(self, name: str) -> None:
        """Publish a file."""
        if self._remote:
            self._remote.put(self.path / name, f"{self._place}/{name}")

    @contextmanager
    def driving(self) -> Iterator[None]:
        """Be the study's driver. On an object store it has one at a time, and is published until the end of the block.

        Raises `SearchError` if another driver lives, or has taken over meanwhile.
        """
        if self._remote is None:
            yield
            return
        try:
            alone_here = FileLock(self.path / "driving.lock").acquire(timeout=0)
        except Timeout as error:
            raise refusal(self._remote.place(self._place), "this machine") from error
        with alone_here, Driver(self._remote, self._place, self.path, self._growing):
            self.publish(SPEC)
            if self.fetch():
                raise SearchError(f"{self._remote.place(self._place)}: went on elsewhere; run the same command again")
            yield

    def _growing(self) -> list[str]:
        """Files that are appended to, by their names in the folder."""
        reports = [f"{REPORTS}/{path.name}" for path in sorted(self.path.glob(f"{REPORTS}/*.jsonl"))]
        return [*([JOURNAL] if (self.path / JOURNAL).is_file() else []), *reports]

    def _fetch(self, remote: Storage, name: str) -> bool:
        path, content = self.path / name, b"".join(read_segments(remote, f"{self._place}/{name}"))
        grows = name == JOURNAL or name.startswith(REPORTS)
        if path.is_file() and path.read_bytes()[: len(content) if grows else None] == content:
            return False
        write_durably(path, content)
        return grows


def read_spec(folder: Path) -> dict[str, Any]:
    """What `spec.json` holds. Raises `StoreError` if a newer release has written it."""
    saved: dict[str, Any] = json.loads((folder / SPEC).read_text(encoding="utf-8"))
    refuse_newer(saved, folder / SPEC)
    return saved


def write_json(path: Path, document: object) -> None:
    """Write a JSON file in one move; the same document gives the same bytes."""
    write_durably(path, (json.dumps(document, indent=2) + "\n").encode())


def write_spec(path: Path, document: dict[str, Any]) -> None:
    """Write `spec.json` with the commit of the code, as it was when the study began."""
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    write_json(path, document | {"commit": before.get("commit") or code_version()})
