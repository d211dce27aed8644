"""Looking at a source model that the user brings: what it is, and which methods can start from it."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from sfcmt.models.expected_input import ExpectedInput
from sfcmt.models.given import GivenSource
from sfcmt.models.normalisation import affine_layers


class SourceSummary(NamedTuple):
    """What a source model is."""

    model: str
    architecture: str
    """The type of its network."""
    parameters: int
    head: tuple[str, ...]
    """The layer, or the two layers, that yield the outputs."""
    outputs: int
    features: int
    normalisation: dict[str, int]
    """How many layers of each kind normalise."""
    classes: tuple[str, ...]
    input: ExpectedInput
    notes: tuple[str, ...]

    @property
    def has_batchnorm(self) -> bool:
        """Whether any layer keeps statistics of its inputs."""
        return any("BatchNorm" in kind for kind in self.normalisation)


def summarise_source(source: GivenSource, size: int | None = None) -> SourceSummary:
    """Build the model for images of `size` pixels (what it expects, if None). Raises `ModelError`, `ConfigError`."""
    classifier, notes = source.classifier(size or source.input.size)
    return SourceSummary(
        model=source.config.model,
        architecture=type(classifier.network).__name__,
        parameters=sum(parameter.numel() for parameter in classifier.parameters()),
        head=classifier.spec.layers,
        outputs=classifier.outputs,
        features=classifier.width,
        normalisation=dict(Counter(map(_kind, _normalising(classifier)))),
        classes=source.classes,
        input=source.input,
        notes=notes,
    )


def _normalising(model: nn.Module) -> list[nn.Module]:
    return [layer for layer in model.modules() if isinstance(layer, _BatchNorm)] + affine_layers(model)


def _kind(layer: nn.Module) -> str:
    return "BatchNorm" if isinstance(layer, _BatchNorm) else type(layer).__name__
