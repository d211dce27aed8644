"""TI distillation: the real RGB of TI pairs as the only teacher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sfcmt.config import TransferConfig
from sfcmt.stages.method import METHODS, Method

if TYPE_CHECKING:
    from sfcmt.models.target_model import TargetModel
    from sfcmt.stages.setting import Setting


class TIDistillationConfig(TransferConfig):
    """The `transfer` section of `ti_distillation`."""

    beta_f: float = Field(1.0, ge=0, json_schema_extra={"search": {"log": [0.1, 10]}})
    """Weight of the feature distance on TI pairs."""


@METHODS.register("ti_distillation")
class TIDistillation(Method[TIDistillationConfig]):
    """L = beta_f L_f."""

    Config = TIDistillationConfig

    def adapt(self, setting: Setting[TIDistillationConfig]) -> TargetModel:
        """Train on TI pairs."""
        from sfcmt.stages.student import Weighted, train_student
        from sfcmt.stages.terms.pair_features import PairFeatures

        return train_student(
            setting, {"features": Weighted(setting.config.beta_f, PairFeatures(setting.pair_teacher()))}
        )
