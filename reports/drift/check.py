"""What `sfcmt drift` does: load the model with what it said, look at the new images, and compare."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sfcmt.data.dataset import Dataset
from sfcmt.data.manifest import MANIFEST
from sfcmt.models.target_model import TargetModel
from sfcmt.reports.drift.finding import Finding, Verdict, compare
from sfcmt.reports.drift.images import said_of_images
from sfcmt.reports.drift.reference import find_reference
from sfcmt.tuning.models import is_uri, model_folder


@dataclass(frozen=True)
class Drift:
    """What was compared, and what came of it."""

    model: str
    images: Path
    classes: tuple[str, ...]
    finding: Finding
    notes: tuple[str, ...]
    """What limits it, a line each."""

    @property
    def command(self) -> str | None:
        """How to adapt again, where that is the verdict."""
        if self.finding.verdict is not Verdict.ADAPT:
            return None
        data = self.images if (self.images / MANIFEST).is_file() else "DATA"
        return f"sfcmt run EXPERIMENT data={data} transfer.start={self.model}"

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        told = {"model": self.model, "images": str(self.images), "classes": list(self.classes)}
        return told | self.finding.as_json() | {"notes": list(self.notes), "command": self.command}


def check_drift(model: str, images: Path, adapted_to: Path | None = None, run_code: bool = False) -> Drift:
    """Compare images with those that a model was adapted to. Raises `ModelError`, `DataError`."""
    folder = model_folder(model) if is_uri(model) else Path(model)
    loaded = TargetModel.load(folder, run_code)
    dataset = Dataset(adapted_to).of_task(loaded.spec.classes) if adapted_to else None
    adapted, new = find_reference(folder, model, dataset), said_of_images(loaded, images)
    notes = [
        f"frames of the {name} are not known: each image counts as one, which makes p and limits too small"
        for name, said in (("images adapted to", adapted), ("new images", new))
        if not said.has_frames
    ]
    if adapted.features_ND is None:
        made = "an older release registered it; a version that sfcmt promote registers now has them"
        notes.append(f"{model}: has no features of the images that it was adapted to: {made}")
    return Drift(model, images, loaded.spec.classes, compare(new, adapted), tuple(notes))
