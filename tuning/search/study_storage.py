"""Where an Optuna study is kept: a journal in the study's folder, or a database; and what goes wrong there, in a line.

Lines of a journal that a crash, a full disk or a careless copy has torn or merged are read as far as they are whole. A
trial whose first line is lost is there nevertheless, if later lines tell of it: Optuna numbers trials by their lines.
So is the study itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileSymlinkLock
from optuna.storages.journal._storage import JournalOperation
from optuna.study import StudyDirection
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from sfcmt.durable import append_whole, disk_errors
from sfcmt.errors import ConfigError, OutageError, Problem
from sfcmt.json_lines import parse_line
from sfcmt.progress.lines import LOGGER
from sfcmt.tuning.outside import reason_of

JOURNAL = "journal.log"
_SECONDS = 10
"""For a database's server to answer."""
_CONNECT = {"postgresql": "connect_timeout", "mysql": "connect_timeout", "mariadb": "connect_timeout"}


class StudyStorageError(OutageError):
    """The storage of an Optuna study cannot be reached, or refuses."""


def open_storage(url: str | None, folder: Path, study_name: str, objectives: int = 1) -> BaseStorage:
    """The journal, or the database at `url`: a relative file of SQLite's is in the study's folder.

    A study is alone in its journal: its name and its number of objectives stand in for a first line that is lost.
    Raises `ConfigError` for a URL that makes no sense, `StudyStorageError`.
    """
    if url is None:
        return JournalStorage(Journal(folder / JOURNAL, study_name, objectives))
    with storage_errors(url):
        place = make_url(placed(url, folder, study_name))
        if place.drivername == "postgresql" and find_spec("psycopg2"):  # which SQLAlchemy took by itself before 2.1
            place = place.set(drivername="postgresql+psycopg2")
        backend = place.get_backend_name()
        options = {"connect_args": {_CONNECT[backend]: _SECONDS}, "pool_pre_ping": True} if backend in _CONNECT else {}
        try:
            return RDBStorage(place.render_as_string(hide_password=False), engine_kwargs=options)
        except ImportError as error:
            cause = error.__cause__ if isinstance(error.__cause__, ImportError) else error  # Optuna's own has no name
            allowed = f"a database with its driver: {reason_of(cause)}"
            raise ConfigError([Problem("storage", place.render_as_string(), allowed)]) from error


def has_storage(url: str | None, folder: Path, study_name: str) -> bool:
    """Whether there is anything to read: opening a database file that is not there would make it."""
    if url is None:
        return (folder / JOURNAL).is_file()
    file = make_url(placed(url, folder, study_name))
    return not file.drivername.startswith("sqlite") or Path(file.database or "").is_file()


def placed(url: str, folder: Path, study_name: str) -> str:
    """A URL that means the same from any working directory.

    Earlier releases kept a relative file in the working directory: it is used if it is there and has the study.
    """
    parts = make_url(url)
    name = parts.database
    if not parts.drivername.startswith("sqlite") or not name or name == ":memory:" or Path(name).is_absolute():
        return url
    own, before = folder / name, Path.cwd() / name
    if not own.is_file() and before.is_file() and study_name in optuna.get_all_study_names(f"sqlite:///{before}"):
        LOGGER.warning(f"storage: {before} has this study, and is used; move it to {own} to run from any folder")
        own = before
    return parts.set(database=str(own)).render_as_string(hide_password=False)


def storage_problem(url: str, is_remote_store: bool) -> Problem | None:
    """What is wrong with a `storage:` field, before anything is opened."""
    try:
        parts = make_url(url)
    except SQLAlchemyError:
        return Problem("storage", url, "the URL of a database, such as postgresql://HOST/NAME or sqlite:///study.db")
    is_relative = parts.drivername.startswith("sqlite") and not Path(parts.database or "").is_absolute()
    if is_remote_store and is_relative:
        return Problem("storage", url, "with a store on an object store: a server's URL, or unset for a journal there")
    return None


@contextmanager
def storage_errors(url: str | None) -> Iterator[None]:
    """Turns what a database, its driver or the disk does wrong into an error of one line."""
    where = f"storage {make_url(url).render_as_string()}" if url else "the study's journal"
    try:
        with disk_errors(where):
            yield
    except (StorageInternalError, SQLAlchemyError) as error:
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        raise StudyStorageError(f"{where}: {reason_of(cause)}; the same command goes on when it is back") from error


class Journal(BaseJournalBackend):  # type: ignore[misc]
    """Optuna's journal file, read and written so that no line can spoil another. Reading makes nothing."""

    def __init__(self, path: Path, study_name: str, objectives: int = 1) -> None:
        self._path, self._lock = path, JournalFileSymlinkLock(str(path))
        self._study = _lost_study(study_name, objectives)
        self._reader = _Reader(path, self._study)

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """Whole records from a number on."""
        if log_number_from < self._reader.first:
            self._reader = _Reader(self._path, self._study)
        self._reader.go_on(log_number_from)
        return iter(list(self._reader.records))

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append all records or none. Raises `DiskError`."""
        lines = b"".join(json.dumps(log, separators=(",", ":")).encode() + b"\n" for log in logs)
        with disk_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            try:
                append_whole(self._path, lines)
            finally:
                self._lock.release()


class _Reader:
    """Reads on in a journal: its records from the number `first` on, with what was lost told once."""

    def __init__(self, path: Path, study: dict[str, Any]) -> None:
        """`study` is the record that makes the study, for a file in which it is lost."""
        self._path, self._place, self._trials, self._lines = path, 0, 0, 0
        self._study, self._has_study = study, False
        self.first = 0
        self.records: list[dict[str, Any]] = []

    def go_on(self, first: int) -> None:
        """Read the lines that have been ended since, and forget what is before a number.

        A line without an end may still be written.
        """
        self._read()
        del self.records[: first - self.first]
        self.first = first

    def _read(self) -> None:
        if not self._path.is_file():
            return
        with self._path.open("rb") as file:
            file.seek(self._place)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._place += len(whole) + len(newline)
        lost = [number for number, line in enumerate(whole.splitlines(), self._lines + 1) if self._add(line)]
        self._lines += whole.count(b"\n") + len(newline)
        if lost:
            numbers = ", ".join(map(str, lost[:5])) + (", ..." if len(lost) > 5 else "")
            LOGGER.warning(f"{self._path}: {len(lost)} damaged lines ({numbers}); the rest counts")

    def _add(self, line: bytes) -> bool:
        """Take a line's records; whether something of it is lost."""
        found = parse_line(line, _is_record)
        for record in found.records:
            if not self._has_study and record["op_code"] != JournalOperation.CREATE_STUDY:
                self.records.append(self._study)
            self._has_study = True
            if (trial := record.get("trial_id", -1)) >= self._trials:
                self.records += [_lost_trial(record) for _ in range(self._trials, trial + 1)]
                self._trials = trial + 1
            self._trials += record["op_code"] == JournalOperation.CREATE_TRIAL
            self.records.append(record)
        return found.is_damaged


def _is_record(value: Any) -> bool:
    return isinstance(value, dict) and "worker_id" in value and value.get("op_code") in set(JournalOperation)


def _lost_study(name: str, objectives: int) -> dict[str, Any]:
    """The line that made the study, in case that it is lost: all objectives are maximised."""
    return {
        "op_code": int(JournalOperation.CREATE_STUDY),
        "worker_id": "lost",
        "study_name": name,
        "directions": [int(StudyDirection.MAXIMIZE)] * objectives,
    }


def _lost_trial(told: dict[str, Any]) -> dict[str, Any]:
    """The line that made a trial, which is lost, as another line tells of it."""
    return {
        "op_code": int(JournalOperation.CREATE_TRIAL),
        "worker_id": "lost",
        "study_id": 0,
        "datetime_start": told.get("datetime_complete"),
    }
