"""All calls to MLflow go through here: whatever fails in them is an error of one line, and is tried again later.

MLflow may be a file, a server, or a database, with models on a disk or an object store: each fails in a library of its
own. What the environment says about which run or experiment is active is left aside, since each of ours has its name.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")  # seconds, in place of 120
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # in place of 7: minutes
os.environ.setdefault("AWS_MAX_ATTEMPTS", "2")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
from mlflow.entities import Param, Run, RunTag
from sqlalchemy.exc import SQLAlchemyError

from sfcmt.clusters.checks.machine import without_password
from sfcmt.clusters.persistence import place_tracking
from sfcmt.errors import OutageError, SfcmtError
from sfcmt.progress.lines import LOGGER
from sfcmt.tuning.mlflow_database import artifact_root, make_ready, require_database
from sfcmt.tuning.outside import is_outside, may_pass, reason_of

_AMBIENT = ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME")
_LATER = "what is trained is kept: the same command logs it later"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_CUT = 400
"""Letters of a parameter that every release of MLflow keeps; it cuts longer ones."""
_ACTIVE = threading.RLock()
"""Held while a run is active: MLflow has one active experiment a process, and several threads may log."""
_ambient_is_told = threading.Event()


class TrackingError(OutageError):
    """MLflow cannot be reached, or refuses."""

    may_pass = False
    """Whether it may be over soon."""


class MlflowCalls:
    """A context in which MLflow is called. What fails in it is raised as an error of one line.

    A database file is made at the first call, under a lock; who only reads has an error where there is none.
    """

    def __init__(self, error: type[SfcmtError] = TrackingError, advice: str = _LATER, writes: bool = True) -> None:
        self._error, self._advice, self._writes = error, advice, writes

    def __enter__(self) -> None:
        _limit_boto()
        _leave_ambient_aside()
        place_tracking(os.environ.get("SFCMT_STORE", "sfcmt-store"))
        try:
            (make_ready if self._writes else require_database)(mlflow.get_tracking_uri())
        except (OSError, SQLAlchemyError, mlflow.MlflowException) as error:
            raise self._told(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, SfcmtError) and is_outside(error):
            raise self._told(error) from error

    def _told(self, error: Exception) -> SfcmtError:
        said = f"MLflow at {place()}: {reason_of(error)}"
        told = self._error("; ".join(filter(None, [said, self._advice])))
        if isinstance(told, TrackingError):
            told.may_pass = may_pass(error)
        return told


def place() -> str:
    """Where MLflow is, as it may be shown."""
    return without_password(str(mlflow.get_tracking_uri()))


def open_experiment(name: str) -> str:
    """The id of an experiment, made if there is none: the models of a database file are kept beside it."""
    root = artifact_root(mlflow.get_tracking_uri())
    if root is not None and mlflow.get_experiment_by_name(name) is None:
        try:
            mlflow.create_experiment(name, (root / name).as_uri())
        except mlflow.MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":  # another process was faster
                raise
    return str(mlflow.set_experiment(name).experiment_id)


@contextmanager
def active_run(
    experiment_id: str, run_id: str | None = None, name: str | None = None, tags: Mapping[str, str] | None = None
) -> Iterator[str]:
    """A run of ours, or a new one, that MLflow's own functions log to; its id. It finishes on a clean exit."""
    with _ACTIVE:
        mlflow.set_experiment(experiment_id=experiment_id)
        with mlflow.start_run(run_id=run_id, run_name=None if run_id else name, tags=tags and dict(tags)) as run:
            _require_artifacts(run)
            yield run.info.run_id


def log_missing_params(client: mlflow.MlflowClient, run: Run, params: Mapping[str, object]) -> None:
    """Log what a run lacks. MLflow never lets a parameter change: what would, is a tag `sfcmt.changed.NAME`."""
    wanted = {re.sub(r"[^\w./:\- ]", "_", name): str(value) for name, value in params.items()}
    known = client.get_run(run.info.run_id).data.params
    missing = [Param(name, value) for name, value in wanted.items() if name not in known]
    changed = [
        RunTag(f"sfcmt.changed.{name}", value)
        for name, value in wanted.items()
        if name in known and value[:_CUT] != known[name][:_CUT]
    ]
    if missing or changed:
        client.log_batch(run.info.run_id, params=missing, tags=changed)


def tag_is(tag: str, value: str) -> str:
    """A filter of runs or versions whose tag has a value, which may have quotes in it."""
    quote = '"' if "'" in value else "'"
    if quote in value:  # both kinds: any letter in their place will do
        return f"tags.`{tag}` LIKE {quote}{value.replace(quote, '_')}{quote}"
    return f"tags.`{tag}` = {quote}{value}{quote}"


def _limit_boto() -> None:
    """Models may be on S3, and boto waits a minute for a connection or an answer, which no variable changes."""
    if find_spec("botocore"):
        from botocore.config import Config

        Config.OPTION_DEFAULTS |= {"connect_timeout": 5, "read_timeout": 20}


def _leave_ambient_aside() -> None:
    """Unset what names a run or an experiment for MLflow, and tell it once: later values are MLflow's own doing."""
    found = {name: value for name in _AMBIENT if (value := os.environ.pop(name, None))}
    if not _ambient_is_told.is_set():
        _ambient_is_told.set()
        for name, value in found.items():
            LOGGER.warning(f"{name}={value} is not used: runs of sfcmt are in experiments of their own names")


def _require_artifacts(run: Run) -> None:
    """Raise `TrackingError` if a server elsewhere keeps models in a folder that is not here."""
    server, root = urlsplit(mlflow.get_tracking_uri()), urlsplit(run.info.artifact_uri)
    if server.scheme not in ("http", "https") or server.hostname in _LOOPBACK or root.scheme not in ("", "file"):
        return
    if not any(folder.is_dir() for folder in list(Path(root.path).parents)[:2]):
        raise TrackingError(
            f"MLflow at {place()}: the server keeps models in its own folder {root.path}, which is not on this "
            f"machine; start it with --artifacts-destination; {_LATER}"
        )
