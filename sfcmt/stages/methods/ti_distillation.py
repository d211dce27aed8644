"""TI distillation: the real RGB of TI pairs as the only teacher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sfcmt.config import LossConfig
from sfcmt.stages.method import METHODS, Method

if TYPE_CHECKING:
    from sfcmt.models.target_model import TargetModel
    from sfcmt.stages.transfer_context import TransferContext


class TIDistillationConfig(LossConfig):
    """The `transfer` section of `ti_distillation`."""

    beta_f: float = Field(1.0, ge=0, json_schema_extra={"search": {"log": [0.1, 10]}})
    """Weight of the feature distance on TI pairs."""


@METHODS.register("ti_distillation")
class TIDistillation(Method[TIDistillationConfig]):
    """L = beta_f L_f."""

    Config = TIDistillationConfig

    @classmethod
    def weights(cls, config: TIDistillationConfig) -> dict[str, float]:
        """That of L_f."""
        return {"pair_features": config.beta_f}

    def adapt(self, context: TransferContext[TIDistillationConfig]) -> TargetModel:
        """Train on TI pairs."""
        from sfcmt.stages.student import train_student

        return train_student(context, self.all_weights(context.config))
