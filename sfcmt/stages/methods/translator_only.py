"""Translator only: TGMB without TGKT."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sfcmt.config import TransferConfig
from sfcmt.stages.method import METHODS, Method

if TYPE_CHECKING:
    from sfcmt.models.target_model import TargetModel
    from sfcmt.stages.transfer_context import TransferContext


@METHODS.register("translator_only")
class TranslatorOnly(Method[TransferConfig]):
    """C_s F_s(T(x))."""

    trains: ClassVar[bool] = False

    @classmethod
    def needs_bridge(cls, config: TransferConfig) -> bool:
        """It is all there is."""
        return True

    def adapt(self, context: TransferContext[TransferConfig]) -> TargetModel:
        """The source model behind the translator."""
        return context.translated_model()
