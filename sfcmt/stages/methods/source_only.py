"""Source-only: the source model on channel copies of target images. What every method must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from sfcmt.config import TransferConfig
from sfcmt.stages.method import METHODS, Method

if TYPE_CHECKING:
    from sfcmt.models.target_model import TargetModel
    from sfcmt.stages.transfer_context import TransferContext


@METHODS.register("source_only")
class SourceOnly(Method[TransferConfig]):
    """F_t = F_s."""

    trains: ClassVar[bool] = False

    def adapt(self, context: TransferContext[TransferConfig]) -> TargetModel:
        """The source model as it is."""
        return context.target_model(context.source)
