"""The plug-in point of methods: TGKT is one, every baseline is another.

A method is one file in `sfcmt.stages.methods`: its config, what it stands on, and how it trains. Configs are read by
commands that train nothing, so a file imports torch, and whatever else it trains with, only inside `adapt`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from sfcmt.config import LossConfig, TransferConfig
from sfcmt.data.manifest import Modality
from sfcmt.errors import ConfigError, Problem
from sfcmt.models.given_start import START
from sfcmt.registry import Registry
from sfcmt.stages.terms import TERMS, looks_at_pairs

if TYPE_CHECKING:
    from sfcmt.models.target_model import TargetModel
    from sfcmt.stages.transfer_context import TransferContext

C = TypeVar("C", bound=TransferConfig)


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
        """The method from whose target model F_t starts, or `START` for the user's; None for the source model."""
        return None

    @classmethod
    def given_start(cls, config: C) -> str | None:
        """The reference to the target model that F_t starts from, where the user names one."""
        return None

    @classmethod
    def with_start(cls, config: C) -> C:
        """The config where that model is known by its digest, whatever it is called."""
        return config

    @classmethod
    def upstream(cls, config: C) -> tuple[str, ...]:
        """The methods whose target models it uses."""
        start = cls.start(config)
        return (start,) if start not in (None, START) else ()

    @classmethod
    def weights(cls, config: C) -> dict[str, float]:
        """Weights of the terms of its own, by their names in `TERMS`; one of weight 0 is never made."""
        return {}

    @classmethod
    def all_weights(cls, config: C) -> dict[str, float]:
        """Weights of the terms of its loss: its own, and those that the config adds.

        Raises `ConfigError` where one is added that it has, or that is unknown.
        """
        own, added = cls.weights(config), config.terms if isinstance(config, LossConfig) else {}
        has = f"terms that the method has not: its own are {', '.join(own)}, weighted by fields of their own"
        allowed = {name: has if name in own else f"terms: {', '.join(TERMS)}" for name in added}
        if wrong := [name for name in added if name in own or name not in TERMS]:
            raise ConfigError([Problem(f"transfer.terms.{name}", added[name], allowed[name]) for name in wrong])
        return own | added

    @classmethod
    def needs_pairs(cls, config: C) -> bool:
        """Whether a term of its loss looks at TI pairs."""
        return any(weight and looks_at_pairs(name) for name, weight in cls.all_weights(config).items())

    @classmethod
    def without_pairs(cls, config: C) -> C:
        """What it does, if it can, where there are no TI pairs."""
        return config

    @classmethod
    def batchnorm_field(cls, config: C) -> str | None:
        """The field, if any, whose value makes it rest on batch norm in the source model."""
        return None

    @classmethod
    def check_target(cls, config: C, target: Modality) -> None:
        """Raise `DataError` for target images that it does not take."""

    @classmethod
    def parts(cls, config: C) -> tuple[str, ...]:
        """Modules of its own whose code the result rests on: its file, those that it builds on, and its terms'."""
        files = [base.__module__ for base in cls.__mro__ if issubclass(base, Method) and base is not Method]
        return (*files, *(TERMS.module(name) for name, weight in cls.all_weights(config).items() if weight))

    @abstractmethod
    def adapt(self, context: TransferContext[C]) -> TargetModel:
        """The target model."""


METHODS: Registry[type[Method[Any]]] = Registry("method", "sfcmt.stages.methods")
