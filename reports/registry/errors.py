"""What can go wrong with the registry, in one line."""

from __future__ import annotations

from sfcmt.errors import SfcmtError
from sfcmt.tuning.mlflow_calls import MlflowCalls


class RegistryError(SfcmtError):
    """The registry cannot be reached, lacks something, or a move is refused."""


def registry_calls(writes: bool = True) -> MlflowCalls:
    """A context in which the registry is called: what fails is a `RegistryError` of one line."""
    return MlflowCalls(RegistryError, advice="", writes=writes)
