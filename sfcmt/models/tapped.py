"""A classifier made of any network: the network up to its head, the head, and the classes that it tells apart."""

from __future__ import annotations

from typing import Any, Self

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from sfcmt.errors import ModelError
from sfcmt.models.class_outputs import ClassOutputs, Merge
from sfcmt.models.classifier import Classifier
from sfcmt.models.expected_input import ExpectedInput
from sfcmt.models.input_map import InputMap
from sfcmt.models.sources import SOURCES
from sfcmt.models.tap import Head, find_head, outputs_of, take_head


class NetworkSpec(BaseModel):
    """All that is needed to make the classifier again, but its weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: str
    """Member of the registry of source models that makes the network."""
    arguments: dict[str, Any]
    """What that member makes it from."""
    layers: tuple[str, ...]
    dropouts: tuple[str, ...]
    unused: tuple[str, ...]
    """See `sfcmt.models.tap.Head`."""
    groups: tuple[tuple[int, ...], ...] | None
    merge: Merge
    input: ExpectedInput


class TappedClassifier(Classifier):
    """F = the network up to its head; C = the head, its outputs merged into classes."""

    def __init__(self, network: nn.Module, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec
        self.input_map = InputMap(spec.input)
        linear = take_head(network, Head(spec.layers, spec.dropouts, spec.unused))
        self.network, self.width = network, linear.in_features
        self.head = nn.Sequential(linear, ClassOutputs(spec.groups, spec.merge))
        self.requires_grad_(True)

    @classmethod
    def of(cls, network: nn.Module, named: str | None, size: int, **fields: Any) -> Self:
        """Tap a network that takes images of `size` pixels; `fields` are the other ones of its spec.

        Raises `ModelError` where its outputs are not those of a linear layer on top of features.
        """
        try:
            head = find_head(network, size, named)
            before = _answers(network, size)
            model = cls(network, NetworkSpec(**head._asdict(), **fields))
            after = model.head[0](model.tapped(_trial_images(size)))
        except (AttributeError, TypeError, RuntimeError, AssertionError, ValueError) as error:
            raise ModelError(f"cannot be tapped at {size} pixels ({str(error).splitlines()[0]})") from error
        if named is None and not torch.allclose(before, after, rtol=1e-3, atol=1e-3):
            raise ModelError("its outputs are not those of its head on its features; name another layer by head")
        return model

    @property
    def outputs(self) -> int:
        """N, of the network."""
        return int(self.head[0].out_features)

    def features(self, x_BCHW: Tensor) -> Tensor:
        """Images (B, 3, H, W) in units of ImageNet's statistics -> (B, D)."""
        return self.tapped(self.input_map(x_BCHW))

    def tapped(self, x_BCHW: Tensor) -> Tensor:
        """Images as the network expects them -> (B, D)."""
        return outputs_of(self.network(x_BCHW))

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """For all parameters that the features depend on."""
        super().requires_grad_(requires_grad)
        for name in self.spec.unused:
            self.network.get_parameter(name).requires_grad_(False)
        return self

    @staticmethod
    def made_from(spec: NetworkSpec) -> TappedClassifier:
        """The classifier with random weights. Raises `ModelError` where the network cannot be made."""
        return TappedClassifier(SOURCES[spec.kind].build(spec.arguments), spec)


def _trial_images(size: int) -> Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def _answers(network: nn.Module, size: int) -> Tensor:
    return outputs_of(network.eval()(_trial_images(size)))
