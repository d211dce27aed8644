"""What can go wrong with the registry, in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import mlflow

from sfcmt.errors import SfcmtError


class RegistryError(SfcmtError):
    """The registry cannot be reached, lacks something, or a move is refused."""


@contextmanager
def registry_errors() -> Iterator[None]:
    """Turns MLflow's errors into a `RegistryError` of one line."""
    try:
        yield
    except mlflow.MlflowException as error:
        raise RegistryError(f"MLflow at {mlflow.get_registry_uri()}: {error.message.splitlines()[0]}") from error
