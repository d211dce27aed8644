"""A network of timm's by its name, with weights from a file or timm's own: `timm:resnet50`."""

from __future__ import annotations

from typing import Any, cast

from torch import nn

from sfcmt.errors import ConfigError, ModelError, Problem
from sfcmt.models.backbones import instead_of, packaged_lite0, pretrained_weights
from sfcmt.models.expected_input import ExpectedInput, Resize
from sfcmt.models.file_digest import file_digest
from sfcmt.models.matching import load_weights
from sfcmt.models.output_count import outputs_in
from sfcmt.models.source_kind import Brought, SourceKind, distinct
from sfcmt.models.sources import SOURCES
from sfcmt.models.weights_file import read_weights


@SOURCES.register("timm")
class TimmModel(SourceKind):
    """Networks of a fixed size get their position embeddings resampled."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        if self.reference == "small" or (allowed := instead_of(self.reference)):
            near = "a model of timm's" if self.reference == "small" else allowed.removeprefix("small, or ")
            raise ConfigError([Problem("source.model", f"timm:{self.reference}", near)])

    def digest(self) -> str:
        """Of the file, or the name of timm's weights; with the network's name."""
        weights = file_digest(self.weights) if self.weights else pretrained_weights(self.reference)
        return f"{self.reference} {weights}"

    def expects(self) -> ExpectedInput:
        """What timm's `pretrained_cfg` says."""
        from sfcmt.models.compat import timm

        cfg = timm.get_pretrained_cfg(self.reference)
        if cfg is None:
            return ExpectedInput()
        found = timm.data.resolve_data_config({}, pretrained_cfg=cfg.to_dict())
        resize = Resize(
            interpolation=found["interpolation"], crop=None if found["crop_mode"] == "squash" else found["crop_pct"]
        )
        return ExpectedInput(size=found["input_size"][-1], mean=found["mean"], std=found["std"], resize=resize)

    def names(self) -> tuple[str, ...] | None:
        """ImageNet's, of timm's own weights for its 1,000 classes."""
        from sfcmt.models.compat import timm

        cfg = timm.get_pretrained_cfg(self.reference)
        if self.weights or cfg is None or cfg.num_classes != 1000:
            return None
        return distinct(timm.data.ImageNetInfo().label_descriptions())

    def bring(self, size: int) -> Brought:
        """With as many outputs as its weights have."""
        network, notes = self._with_weights()
        resizes = hasattr(network, "set_input_size") and network.default_cfg["input_size"][-1] != size
        if resizes:
            _resample(network, size)
        arguments = {"name": self.reference, "outputs": network.num_classes, "size": size if resizes else None}
        return Brought(network.eval(), arguments, notes)

    @classmethod
    def build(cls, arguments: dict[str, Any]) -> nn.Module:
        """By its name, its outputs and its size."""
        network: nn.Module = _created(arguments["name"], arguments["outputs"])
        if arguments["size"]:
            _resample(network, arguments["size"])
        return network

    def _with_weights(self) -> tuple[Any, tuple[str, ...]]:
        if self.weights is None:
            return _pretrained(self.reference), ()
        weights = read_weights(self.weights, self.weights_key)
        network = _created(self.reference, None)
        outputs = outputs_in(weights, network, network.num_classes)
        if outputs != network.num_classes:
            network = _created(self.reference, outputs)
        notes = load_weights(network, weights, self.weights.name, f"timm:{self.reference}")
        return network, weights.told + notes


def _created(name: str, outputs: int | None) -> Any:
    from sfcmt.models.compat import timm

    return timm.create_model(name, **({} if outputs is None else {"num_classes": outputs}))


def _pretrained(name: str) -> Any:
    from sfcmt.models.compat import timm

    if packaged := packaged_lite0(name):
        return packaged
    try:
        return timm.create_model(name, pretrained=True)
    except (OSError, RuntimeError) as error:
        raise ModelError(f"source.weights: no weights for timm:{name} could be loaded ({error})") from error


def _resample(network: nn.Module, size: int) -> None:
    try:
        cast("Any", network).set_input_size(img_size=size)
    except (AssertionError, RuntimeError, ValueError, ZeroDivisionError) as error:
        raise ConfigError([Problem("data.size", size, f"a size that the network takes ({error})")]) from error
