"""What a job may not keep in its working directory: Ray unpacks it into a temporary folder, which goes with the job."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from sfcmt.errors import ConfigError, Problem
from sfcmt.storage import is_remote, local_folder

TRACKING = "MLFLOW_TRACKING_URI"


def in_job() -> bool:
    """Whether this process is the command of a Ray job, or was started by it."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ


def require_persistent_store(store: str) -> None:
    """Raise `ConfigError` in a job whose store would be in its working directory."""
    if in_job() and not is_persistent(store):
        allowed = "in a job, whose working directory is temporary: an absolute path that all nodes see, or a URI"
        raise ConfigError([Problem("runtime.store (or SFCMT_STORE)", store, allowed)])


def is_persistent(store: str) -> bool:
    """Whether a store is the same from any working directory."""
    return is_remote(store) or local_folder(store).is_absolute()


def place_tracking(store: str) -> None:
    """In a job, have MLflow's database beside the store, unless the environment names another place that lasts.

    Raises `ConfigError` where there is none.
    """
    if not in_job():
        return
    given = os.environ.get(TRACKING)
    if not tracking_lasts(store, given):
        allowed = "in a job, whose working directory is temporary: a server, or a database that outlives it"
        raise ConfigError([Problem(TRACKING, given, allowed)])
    if not given:
        os.environ[TRACKING] = f"sqlite:///{local_folder(store) / 'mlflow.db'}"


def tracking_lasts(store: str, tracking: str | None) -> bool:
    """Whether MLflow's runs outlive a job: at the tracking URI, or beside the store if that is unset."""
    if tracking:
        return is_lasting(tracking)
    return not is_remote(store) and is_persistent(store)


def is_lasting(tracking: str) -> bool:
    """Whether a tracking URI means the same from any working directory."""
    scheme, path = urlsplit(tracking).scheme, urlsplit(tracking).path
    if scheme.startswith("sqlite"):
        return path.startswith("//")  # sqlite:////absolute
    return scheme not in ("", "file") or path.startswith("/")
