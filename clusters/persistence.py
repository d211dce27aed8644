"""What a job may not keep in its working directory: Ray unpacks it into a temporary folder, which goes with the job."""

from __future__ import annotations

import os

from sfcmt.errors import ConfigError, Problem
from sfcmt.storage import is_remote, local_folder


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
