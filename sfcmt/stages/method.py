"""The plug-in point of methods: TGKT is one, every baseline is another.

A method is one file in `sfcmt.stages.methods`: its config, what it stands on, and how it trains. Configs are read by
commands that train nothing, so a file imports torch, and whatever else it trains with, only inside `adapt`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from sfcmt.config import TransferConfig
from sfcmt.registry import Registry

if TYPE_CHECKING:
    from sfcmt.models.target_model import TargetModel
    from sfcmt.stages.transfer_context import TransferContext

C = TypeVar("C", bound=TransferConfig)
_TERMS = "sfcmt.stages.terms"
_ON_PAIRS = "pair_"
"""How the names of terms begin that look at TI pairs."""


class Method(ABC, Generic[C]):
    """One way to make a target model. `Config` is the type of its `transfer` section."""

    Config: ClassVar[type[TransferConfig]] = TransferConfig
    trains: ClassVar[bool] = True
    """Whether it has epochs."""

    @classmethod
    def needs_bridge(cls, config: C) -> bool:
        """Whether it has a use for the translator."""
        return False

    @classmethod
    def start(cls, config: C) -> str | None:
        """The method from whose target model F_t starts; None for the source model."""
        return None

    @classmethod
    def upstream(cls, config: C) -> tuple[str, ...]:
        """The methods whose target models it uses."""
        start = cls.start(config)
        return (start,) if start else ()

    @classmethod
    def weights(cls, config: C) -> dict[str, float]:
        """Weights of the terms of its loss, by their files in `sfcmt.stages.terms`; one of weight 0 is never made."""
        return {}

    @classmethod
    def needs_pairs(cls, config: C) -> bool:
        """Whether a term of its loss looks at TI pairs."""
        return any(weight and name.startswith(_ON_PAIRS) for name, weight in cls.weights(config).items())

    @classmethod
    def without_pairs(cls, config: C) -> C:
        """What it does, if it can, where there are no TI pairs."""
        return config

    @classmethod
    def batchnorm_field(cls, config: C) -> str | None:
        """The field, if any, whose value makes it rest on batch norm in the source model."""
        return None

    @classmethod
    def parts(cls, config: C) -> tuple[str, ...]:
        """Modules of its own whose code the result rests on: its file, those that it builds on, and its terms'."""
        files = [base.__module__ for base in cls.__mro__ if issubclass(base, Method) and base is not Method]
        return (*files, *(f"{_TERMS}.{name}" for name, weight in cls.weights(config).items() if weight))

    @abstractmethod
    def adapt(self, context: TransferContext[C]) -> TargetModel:
        """The target model."""


METHODS: Registry[type[Method[Any]]] = Registry("method", "sfcmt.stages.methods")
