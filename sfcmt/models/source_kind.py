"""The plug-in point of source models that people bring: where one comes from, and how its network is made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from sfcmt.models.expected_input import ExpectedInput

if TYPE_CHECKING:
    from torch import nn

ONE_PROCESS = (
    "only the process that was given this model has it; others need a function that returns it: "
    "python:package.module:function"
)
"""What is said of such a model where it is not, or would not be."""


class Brought(NamedTuple):
    """A network with its weights, in evaluation mode on the CPU."""

    network: nn.Module
    arguments: dict[str, Any]
    """What `build` makes the same network from, as JSON values; its weights are kept beside them."""
    notes: tuple[str, ...] = ()
    """What the user should know of how it was read, a line each."""


def distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Names of outputs, those that are there twice with their place: ImageNet has two cranes."""
    counts = Counter(names)
    return tuple(f"{name} ({place})" if counts[name] > 1 else name for place, name in enumerate(names))


class SourceKind(ABC):
    """One model of one kind. Only `bring` and `build` make networks; all else is cheap and runs nobody's code."""

    runs_code: ClassVar[bool] = False
    """Whether making the network runs code of the user's."""
    in_process: ClassVar[bool] = False
    """Whether no other process can make it."""

    def __init__(self, reference: str, weights: Path | None = None, weights_key: str | None = None) -> None:
        """`reference` is what stands behind the kind in `source.model`. Raises `ConfigError` where it names nothing."""
        self.reference, self.weights, self.weights_key = reference, weights, weights_key

    @abstractmethod
    def digest(self) -> str:
        """Names the model's weights and code: another digest where either is another."""

    @abstractmethod
    def expects(self) -> ExpectedInput:
        """What its own config says of its input."""

    @abstractmethod
    def names(self) -> tuple[str, ...] | None:
        """Names of its outputs, in their order, where its own config has them."""

    @abstractmethod
    def bring(self, size: int) -> Brought:
        """The network for images of `size` pixels. Raises `ModelError`."""

    @classmethod
    @abstractmethod
    def build(cls, arguments: dict[str, Any]) -> nn.Module:
        """The network of `arguments` with random weights. Raises `ModelError`."""
