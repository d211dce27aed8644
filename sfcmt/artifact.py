"""An artifact: the folder that a training has filled."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

Row = dict[str, float]
"""One epoch's figures by name; `epoch` counts from 1."""
CHECKPOINT, CURVES, RECORD, RESULT = "checkpoint.safetensors", "curves.json", "artifact.json", "result.json"

WEIGHTS = "model.safetensors"
"""The file of a model's weights, which may be removed while all else of an artifact stays."""
REMOVED = "removed"
"""What a record calls the files that were removed."""


@dataclass(frozen=True)
class Artifact:
    """A trained recipe on disk. `reused` says whether it was found rather than trained by this call."""

    path: Path
    reused: bool

    @cached_property
    def record(self) -> dict[str, Any]:
        """`artifact.json`: kind, identity, the recipe behind the identity, metrics and seconds."""
        record: dict[str, Any] = json.loads((self.path / RECORD).read_text(encoding="utf-8"))
        return record

    @property
    def identity(self) -> str:
        """Its recipe's."""
        return str(self.record["identity"])

    @property
    def metrics(self) -> dict[str, float]:
        """What the training says of its own result. Never from target labels."""
        return dict(self.record["metrics"])

    @property
    def seconds(self) -> float:
        """Time that the training took."""
        return float(self.record["seconds"])

    @property
    def made_by(self) -> dict[str, Any]:
        """Versions, commit, device, threads and workers of the process that trained it: see `sfcmt.provenance`."""
        return dict(self.record.get("made_by", {}))

    @property
    def notes(self) -> list[str]:
        """What the user should know of how it was made, a line each."""
        return list(self.record.get("notes", []))

    @property
    def is_whole(self) -> bool:
        """Whether it has its weights; those of a study's other trials may have been removed: see `keep` in its spec."""
        return not self.record.get(REMOVED)

    @property
    def curves(self) -> list[Row]:
        """One row of figures per epoch; none for trainings without epochs."""
        path = self.path / CURVES
        return list(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else []
