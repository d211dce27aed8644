"""SHOT (Liang et al., ICML 2020): information maximisation and centroid pseudo-labels on target images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sfcmt.config import LossConfig
from sfcmt.stages.method import METHODS, Method

if TYPE_CHECKING:
    from sfcmt.models.target_model import TargetModel
    from sfcmt.stages.transfer_context import TransferContext


class SHOTConfig(LossConfig):
    """The `transfer` section of `shot`; the published weights."""

    beta_im: float = Field(1.0, ge=0, json_schema_extra={"search": {"uniform": [0, 2]}})
    """Weight of information maximisation."""
    beta_self: float = Field(0.3, ge=0, json_schema_extra={"search": {"log": [0.03, 3]}})
    """Weight of the cross-entropy to pseudo-labels."""


@METHODS.register("shot")
class SHOT(Method[SHOTConfig]):
    """L = beta_im L_IM + beta_self L_self, every pseudo-label trusted."""

    Config = SHOTConfig

    @classmethod
    def weights(cls, config: SHOTConfig) -> dict[str, float]:
        """Those of the two terms."""
        return {"infomax": config.beta_im, "pseudo_labels": config.beta_self}

    def adapt(self, context: TransferContext[SHOTConfig]) -> TargetModel:
        """Train on TR target images."""
        from sfcmt.stages.student import train_student

        return train_student(context, self.all_weights(context.config))
