"""The model that a transfer ends with: raw target pixels in, logits out; saved as safetensors and JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sfcmt.data.dataset import Dataset
from sfcmt.data.manifest import Holes, Normalisation
from sfcmt.errors import ModelError
from sfcmt.models.classifier import Classifier, Prediction
from sfcmt.models.normalise import Normalise
from sfcmt.models.translators import TRANSLATORS

_SPEC = "model.json"
_WEIGHTS = "model.safetensors"


class ModelSpec(BaseModel):
    """All that is needed to build a model but its weights; what `model.json` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal[1] = 1
    backbone: str
    classes: tuple[str, ...]
    translator: str
    """`copy` in front of F_t or F_s; a trained translator in front of F_s."""
    modality: str
    channels: int
    bits: Literal[8, 16]
    size: int
    normalisation: Normalisation
    holes: Holes


def source_spec(dataset: Dataset, backbone: str, size: int) -> ModelSpec:
    """Spec of a model of the source modality."""
    modality = dataset.manifest.source
    return ModelSpec(
        backbone=backbone,
        classes=dataset.classes,
        translator="copy",
        modality=modality.name,
        channels=modality.channels,
        bits=modality.bits,
        size=size,
        normalisation=modality.normalisation,
        holes="keep",
    )


def target_spec(dataset: Dataset, backbone: str, size: int, translator: str = "copy") -> ModelSpec:
    """Spec of a model of the target modality."""
    modality = dataset.manifest.target
    return ModelSpec(
        backbone=backbone,
        classes=dataset.classes,
        translator=translator,
        modality=modality.name,
        channels=modality.channels,
        bits=modality.bits,
        size=size,
        normalisation=modality.normalisation,
        holes=dataset.manifest.holes,
    )


class TargetModel(nn.Module):
    """Normalise -> translator -> classifier. A source model is one with 3 channels and no translator's work to do."""

    def __init__(self, spec: ModelSpec, classifier: Classifier, translator: nn.Module | None = None) -> None:
        super().__init__()
        self.spec = spec
        self.normalise = Normalise(spec.normalisation, spec.holes)
        self.translator = translator if translator is not None else TRANSLATORS[spec.translator]()
        self.classifier = classifier

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Stored pixels (B, channels, size, size) -> logits (B, K)."""
        return self.predict(self.normalise(x_BCHW)).logits_BK

    def predict(self, normalised_BCHW: Tensor) -> Prediction:
        """Normalised images -> bottleneck features and logits."""
        lifted = self.translator(normalised_BCHW) if self.spec.channels == 1 else normalised_BCHW
        prediction: Prediction = self.classifier(lifted)
        return prediction

    def save(self, folder: Path) -> None:
        """Write `model.json` and `model.safetensors` into `folder`."""
        save_file({name: tensor.contiguous() for name, tensor in self.state_dict().items()}, folder / _WEIGHTS)
        (folder / _SPEC).write_text(self.spec.model_dump_json(indent=2) + "\n")

    @staticmethod
    def load(folder: Path) -> TargetModel:
        """Read what `save` wrote, in evaluation mode on the CPU. Raises `ModelError`."""
        try:
            spec = ModelSpec.model_validate_json((folder / _SPEC).read_text())
            model = TargetModel(spec, Classifier(spec.backbone, len(spec.classes)))
            model.load_state_dict(load_file(folder / _WEIGHTS))
        except (OSError, ValidationError, SafetensorError, RuntimeError) as error:
            raise ModelError(f"{folder}: holds no readable model ({str(error).splitlines()[0]})") from error
        return model.eval()
