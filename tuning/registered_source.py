"""Source models of ours that MLflow keeps: `models:/NAME@ALIAS` and `runs:/ID/model`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import ClassVar

from sfcmt.models.sources import SOURCES
from sfcmt.models.sources.folder import FolderModel
from sfcmt.tuning.models import model_folder


@SOURCES.register("models")
class RegisteredModel(FolderModel):
    """A version in the registry. Its weights are downloaded; no code of it is run."""

    scheme: ClassVar[str] = "models:"

    @classmethod
    def folder_of(cls, reference: str) -> Path:
        """Where its files were downloaded to. Raises `ModelError` for an exported program: it cannot be trained."""
        import mlflow

        return _downloaded(cls.scheme + reference, mlflow.get_tracking_uri())


@cache
def _downloaded(place: str, tracking_uri: str) -> Path:
    """Once a process: each recipe asks for it, and an alias means one version as long as it lives."""
    return model_folder(place)


@SOURCES.register("runs")
class LoggedModel(RegisteredModel):
    """A model that a run logged."""

    scheme: ClassVar[str] = "runs:"
