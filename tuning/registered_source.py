"""Source models of ours that MLflow keeps: `models:/NAME@ALIAS` and `runs:/ID/model`."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import ClassVar

from sfcmt.models.sources import SOURCES
from sfcmt.models.sources.folder import FolderModel
from sfcmt.tuning.models import model_folder


@SOURCES.register("models")
class RegisteredModel(FolderModel):
    """A version in the registry. Its weights are downloaded; no code of it is run."""

    scheme: ClassVar[str] = "models:"

    @cached_property
    def folder(self) -> Path:
        """Where its files were downloaded to. Raises `ModelError` for an exported program: it cannot be trained."""
        return model_folder(self.scheme + self.reference)


@SOURCES.register("runs")
class LoggedModel(RegisteredModel):
    """A model that a run logged."""

    scheme: ClassVar[str] = "runs:"
