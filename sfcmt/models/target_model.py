"""The model that a transfer ends with: raw target pixels in, logits out; saved as safetensors and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sfcmt.artifact import RECORD, WEIGHTS
from sfcmt.data.dataset import Dataset
from sfcmt.data.manifest import Bits, Holes, Normalisation
from sfcmt.data.reading import PLAIN, Reading
from sfcmt.errors import ModelError
from sfcmt.models.bottleneck import BottleneckClassifier
from sfcmt.models.classifier import Classifier, Prediction
from sfcmt.models.expected_input import IMAGENET, Resize
from sfcmt.models.normalise import Normalise
from sfcmt.models.sources import SOURCES
from sfcmt.models.tapped import NetworkSpec, TappedClassifier
from sfcmt.models.translators import TRANSLATORS
from sfcmt.models.translators.fixed import FIXED

SPEC = "model.json"
"""The file beside the weights."""


class ModelSpec(BaseModel):
    """All that is needed to build a model but its weights; what `model.json` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal[1] = 1
    backbone: str
    """Of a source model that was trained here; else what the user called it."""
    network: NetworkSpec | None = None
    """Of a source model that the user brought."""
    classes: tuple[str, ...]
    translator: str
    """`copy` or a fixed translator in front of F_t or F_s; a trained translator in front of F_s."""
    modality: str
    channels: int
    bits: Bits
    size: int
    backbone_size: int | None = Field(None, exclude_if=lambda size: size is None)
    """Of the images that the backbone was made for, where that is not `size`."""
    resize: Resize = Resize()
    normalisation: Normalisation
    holes: Holes
    reading: Reading | None = Field(None, exclude_if=lambda reading: reading is None)
    """How files of images are read; of models of older releases, nothing is known."""
    colours: Normalisation | None = Field(None, exclude_if=lambda colours: colours is None)
    """Of the source model's images, which a fixed translator makes."""

    @property
    def seen_through(self) -> str:
        """The fixed translator in front of all else; `copy` where there is none."""
        return self.translator if self.colours else "copy"


def source_spec(dataset: Dataset, backbone: str, size: int) -> ModelSpec:
    """Spec of a model of the source modality that was trained on it."""
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
        reading=PLAIN,
    )


def given_spec(model: str, classifier: TappedClassifier, classes: tuple[str, ...], size: int) -> ModelSpec:
    """Spec of a model of RGB images that the user brought."""
    return ModelSpec(
        backbone=model,
        network=classifier.spec,
        classes=classes,
        translator="copy",
        modality="rgb",
        channels=3,
        bits=8,
        size=size,
        resize=classifier.spec.input.resize,
        normalisation=IMAGENET,
        holes="keep",
        reading=PLAIN,
    )


def target_spec(dataset: Dataset, source: ModelSpec, size: int, translator: str = "copy") -> ModelSpec:
    """Spec of a model of the target modality, whose network is that of a source model."""
    modality, made_for = dataset.manifest.target, source.backbone_size or source.size
    target = {
        "translator": translator,
        "modality": modality.name,
        "channels": modality.channels,
        "bits": modality.bits,
        "size": size,
        "backbone_size": None if source.network or made_for == size else made_for,
        "normalisation": modality.normalisation,
        "holes": dataset.manifest.holes,
        "reading": dataset.manifest.reading,
        "colours": source.normalisation if translator in FIXED else None,
    }
    return source.model_copy(update=target)


def unshared(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict that safetensors can hold: contiguous, and a copy of each tensor that shares its memory."""
    seen: set[int] = set()
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        place = tensor.untyped_storage().data_ptr()
        found[name] = tensor.clone() if place in seen else tensor.contiguous()
        seen.add(place)
    return found


def read_spec(folder: Path) -> ModelSpec:
    """What a folder's `model.json` says. Raises `ModelError`."""
    try:
        return ModelSpec.model_validate_json((folder / SPEC).read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise ModelError(f"{folder}: holds no readable model ({str(error).splitlines()[0]})") from error


def _refuse_code(spec: ModelSpec, folder: Path) -> None:
    kind = SOURCES[spec.network.kind] if spec.network else None
    if spec.network and kind and kind.runs_code and not kind.in_process:
        made = ", ".join(map(str, spec.network.arguments.values()))
        raise ModelError(f"{folder}: its network is made by code ({made}); if you trust it: --run-code (run_code=True)")


def build_classifier(spec: ModelSpec) -> Classifier:
    """The classifier of a spec with random weights. Raises `ModelError`, `ConfigError` where it cannot be made."""
    if spec.network:
        return TappedClassifier.made_from(spec.network)
    return BottleneckClassifier(spec.backbone, len(spec.classes), size=spec.backbone_size or spec.size)


def input_of(spec: ModelSpec) -> nn.Module:
    """What maps stored pixels (B, channels, H, W) to normalised images: the fixed translator, where there is one."""
    if spec.colours is None:
        return Normalise(spec.normalisation, spec.holes)
    return FIXED[spec.seen_through](spec.normalisation, spec.holes, spec.colours)


class TargetModel(nn.Module):
    """Normalise -> translator -> classifier; or fixed translator -> classifier.

    A source model is one with 3 channels and no translator's work to do.
    """

    def __init__(self, spec: ModelSpec, classifier: Classifier, translator: nn.Module | None = None) -> None:
        super().__init__()
        self.spec = spec
        self.normalise = input_of(spec)
        learned = "copy" if spec.colours else spec.translator
        self.translator = translator if translator is not None else TRANSLATORS[learned](spec.channels)
        self.classifier = classifier

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Stored pixels (B, channels, size, size) -> logits (B, K)."""
        return self.predict(self.normalise(x_BCHW)).logits_BK

    def predict(self, normalised_BCHW: Tensor) -> Prediction:
        """Normalised images -> features and logits."""
        prediction: Prediction = self.classifier(self.translator(normalised_BCHW))
        return prediction

    def save(self, folder: Path) -> None:
        """Write `model.json` and `model.safetensors` into `folder`."""
        save_file(unshared(self.state_dict()), folder / WEIGHTS)
        (folder / SPEC).write_text(self.spec.model_dump_json(indent=2) + "\n", encoding="utf-8")

    @staticmethod
    def load(folder: Path, run_code: bool = True) -> TargetModel:
        """Read what `save` wrote, in evaluation mode on the CPU.

        Raises `ModelError`; without `run_code` also where a function that it names makes its network.
        """
        try:
            spec = read_spec(folder)
            if not run_code:
                _refuse_code(spec, folder)
            model = TargetModel(spec, build_classifier(spec))
            if not (folder / WEIGHTS).exists() and (folder / RECORD).is_file():
                raise ModelError(
                    f"{folder}: its weights were removed (`keep` in its study's spec); its outputs are there"
                )
            (folder / WEIGHTS).open("rb").close()  # safetensors takes what may not be read for missing
            model.load_state_dict(load_file(folder / WEIGHTS))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise ModelError(f"{folder}: holds no readable model ({str(error).splitlines()[0]})") from error
        return model.eval()
