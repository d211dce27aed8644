"""A network of torchvision's by its name, with weights from a file or torchvision's own: `torchvision:resnet18`."""

from __future__ import annotations

import difflib
from functools import cached_property
from typing import Any

from torch import nn

from sfcmt.errors import ConfigError, ModelError, Problem
from sfcmt.models.expected_input import ExpectedInput, Resize
from sfcmt.models.file_digest import file_digest
from sfcmt.models.matching import load_weights
from sfcmt.models.output_count import outputs_in
from sfcmt.models.source_kind import Brought, SourceKind, distinct
from sfcmt.models.sources import SOURCES
from sfcmt.models.weights_file import Weights, read_weights

_POSITIONS = "encoder.pos_embedding"
_OUTPUTS = 1000
"""Of a network whose number of outputs is not named."""


@SOURCES.register("torchvision")
class TorchvisionModel(SourceKind):
    """Vision transformers get their position embeddings resampled."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        known = _models().list_models(_models())
        if self.reference not in known:
            near = ", ".join(difflib.get_close_matches(self.reference, known, n=8) or known[:8])
            raise ConfigError([Problem("source.model", f"torchvision:{self.reference}", near)])

    def digest(self) -> str:
        """Of the file, or the name of torchvision's weights; with the network's name."""
        return f"{self.reference} {file_digest(self.weights) if self.weights else self._own}"

    def expects(self) -> ExpectedInput:
        """What the transforms of torchvision's own weights say."""
        found = self._own.transforms()
        size = found.crop_size[0]
        resize = Resize(interpolation=found.interpolation.value, crop=size / max(found.resize_size[0], size))
        return ExpectedInput(size=size, mean=tuple(found.mean), std=tuple(found.std), resize=resize)

    def names(self) -> tuple[str, ...] | None:
        """ImageNet's, of torchvision's own weights."""
        return None if self.weights else distinct(self._own.meta["categories"])

    def bring(self, size: int) -> Brought:
        """With as many outputs as its weights have."""
        weights, notes = self._read()
        outputs = outputs_in(weights, _created(self.reference, None, None), _OUTPUTS)
        arguments = {
            "name": self.reference,
            "outputs": outputs,
            "size": size if _POSITIONS in weights.tensors else None,
        }
        network = self.build(arguments)
        if _POSITIONS in weights.tensors:
            weights = _resampled(weights, network, size)
        where = self.weights.name if self.weights else str(self._own)
        return Brought(
            network.eval(), arguments, notes + load_weights(network, weights, where, f"torchvision:{self.reference}")
        )

    @classmethod
    def build(cls, arguments: dict[str, Any]) -> nn.Module:
        """By its name, its outputs and its size."""
        return _created(arguments["name"], arguments["outputs"], arguments["size"])

    @cached_property
    def _own(self) -> Any:
        """Torchvision's own weights."""
        return _models().get_model_weights(self.reference).DEFAULT

    def _read(self) -> tuple[Weights, tuple[str, ...]]:
        if self.weights:
            weights = read_weights(self.weights, self.weights_key)
            return weights, weights.told
        try:
            return Weights(dict(self._own.get_state_dict(check_hash=True)), ""), ()
        except (OSError, RuntimeError) as error:
            reason = f"no weights for torchvision:{self.reference} could be loaded ({error})"
            raise ModelError(f"source.weights: {reason}") from error


def _models() -> Any:
    from sfcmt.models.compat import torchvision

    return torchvision.models


def _created(name: str, outputs: int | None, size: int | None) -> nn.Module:
    fields = {"num_classes": outputs, "image_size": size}
    given = {field: value for field, value in fields.items() if value is not None}
    try:
        network: nn.Module = _models().get_model(name, weights=None, **given)
    except ValueError as error:  # a vision transformer's, of a size that is no multiple of its patches'
        raise ConfigError([Problem("data.size", size, f"a size that torchvision:{name} takes ({error})")]) from error
    return network


def _resampled(weights: Weights, network: Any, size: int) -> Weights:
    from torchvision.models.vision_transformer import interpolate_embeddings

    state = interpolate_embeddings(size, network.patch_size, weights.tensors)
    return Weights(dict(state), weights.taken, weights.notes)
