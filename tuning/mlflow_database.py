"""The database file of MLflow, made whole or not at all.

Several processes that open a fresh file at once each migrate it, most fail, and what is left no later process can open.
So it is made by one process under another name. What an older release has left half-made is moved aside.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from contextlib import closing
from pathlib import Path

from filelock import FileLock
from sqlalchemy import make_url

from sfcmt.durable import rename_durably
from sfcmt.errors import SfcmtError
from sfcmt.progress.lines import LOGGER

_PATIENCE = 120.0
"""Seconds for another process to make it; for which it may also be at work on a file that is half-made."""
_SECONDS = 0.5


class NoDatabaseError(SfcmtError):
    """Nothing has been tracked where somebody reads."""


def database_file(uri: str) -> Path | None:
    """The file of a tracking URI; None if that is a server, or no file."""
    if not uri.startswith("sqlite"):
        return None
    name = make_url(uri).database
    return None if name in (None, "", ":memory:") or str(name).startswith("file:") else Path(str(name)).absolute()


def artifact_root(uri: str) -> Path | None:
    """Where the models of a database file are kept; None where MLflow's own choice, the working directory, is it."""
    path = database_file(uri)
    return None if path is None or path.parent == Path.cwd() else path.parent / "mlruns"


def require_database(uri: str) -> None:
    """Raise `NoDatabaseError` where there is no database file: who reads makes none."""
    path = database_file(uri)
    if path is not None and not path.is_file():
        raise NoDatabaseError(f"MLflow at {uri}: {path} is not there; set MLFLOW_TRACKING_URI to where the runs are")


def make_ready(uri: str) -> None:
    """Make the database file if there is none, or none that is whole. Raises `OSError`, and what a database raises."""
    path = database_file(uri)
    if path is None or is_whole(path):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock"), timeout=_PATIENCE):
        if path.is_file() and path.stat().st_size:
            _await_maker(path)
        if not is_whole(path):
            _move_aside(path)
            _make(path)


def is_whole(path: Path) -> bool:
    """Whether there is a database with its first experiment, which MLflow makes last; or a file that is something else.

    A file that is half-made has nothing in it that anybody could miss.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return False
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            return bool(database.execute("SELECT count(*) FROM experiments").fetchone()[0])
    except sqlite3.OperationalError as error:
        return "no such table" not in str(error)  # locked, or not to be read: MLflow itself says so
    except sqlite3.DatabaseError:
        return True  # no database: not ours to move


def _await_maker(path: Path) -> None:
    """Give a process that does not know of the lock time to finish, as long as it writes."""
    while not is_whole(path) and time.time() - path.stat().st_mtime < _SECONDS * 20:
        time.sleep(_SECONDS)


def _move_aside(path: Path) -> None:
    if path.is_file() and path.stat().st_size:
        aside = path.with_name(f"{path.name}.half-made-{uuid.uuid4().hex[:8]}")
        path.rename(aside)
        LOGGER.warning(f"{path}: was half-made, with no run in it, and is now {aside.name}; a new one is made")


def _make(path: Path) -> None:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # takes seconds

    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        SqlAlchemyStore(f"sqlite:///{temporary}", str(path.parent / "mlruns")).engine.dispose()
        rename_durably(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
