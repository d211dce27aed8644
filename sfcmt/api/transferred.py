"""What a transfer from Python ends with: the model, its predictions, and how it was trained."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sfcmt.artifact import Artifact, Row
from sfcmt.classify import Classification, classify_encoded
from sfcmt.data.collection import collected
from sfcmt.experiment import Experiment
from sfcmt.models.target_model import ModelSpec, TargetModel
from sfcmt.outputs import Outputs
from sfcmt.validators import scores_of


@dataclass(frozen=True)
class Transferred:
    """A model of the target modality."""

    experiment: Experiment[Any]
    """All settings, and where the data are: what `sfcmt.Comparison` and the others start from."""
    artifact: Artifact
    """What the store holds: record, metrics, notes."""

    @property
    def path(self) -> Path:
        """The artifact's folder, which `sfcmt.load_model`, `sfcmt.predict` and `sfcmt.export` take."""
        return self.artifact.path

    @cached_property
    def module(self) -> TargetModel:
        """Stored target pixels (B, C, size, size), 0 to 255 or 65535, to logits (B, K); evaluation mode, on the CPU.

        `spec` says what C, `size` and K are. A plain `nn.Module`: it may be moved, trained, and saved by its `save`.
        """
        return TargetModel.load(self.path)

    @property
    def spec(self) -> ModelSpec:
        """Classes, and the form of the images that `module` takes."""
        return self.module.spec

    def predict(self, images: Any) -> list[Classification]:
        """Class and probabilities of each target image; of any size, in any form that `sfcmt.transfer` takes.

        Files are read as those of the data set were; arrays hold values. Raises `DataError` naming an image that is
        none, or is of another modality.
        """
        found = ((item.origin, item.image) for item in collected(images, "images"))
        device = next(self.module.parameters()).device
        return classify_encoded(lambda x_BCHW: self.module(x_BCHW.to(device)), self.spec, found)

    @property
    def curves(self) -> list[Row]:
        """A row of mean losses for each epoch; none of a method that trains nothing."""
        return self.artifact.curves

    @cached_property
    def scores(self) -> dict[str, float]:
        """Label-free validators by name, on all target images and the held-out pairs; higher is better."""
        return scores_of(Outputs.load(self.path))
