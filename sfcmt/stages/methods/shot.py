"""SHOT (Liang et al., ICML 2020): information maximisation and centroid pseudo-labels on target images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sfcmt.config import TransferConfig
from sfcmt.pseudo_labels.weightings import WEIGHTINGS
from sfcmt.stages.method import METHODS, Method

if TYPE_CHECKING:
    from sfcmt.models.target_model import TargetModel
    from sfcmt.stages.setting import Setting


class SHOTConfig(TransferConfig):
    """The `transfer` section of `shot`; the published weights."""

    beta_im: float = Field(1.0, ge=0, json_schema_extra={"search": {"uniform": [0, 2]}})
    """Weight of information maximisation."""
    beta_self: float = Field(0.3, ge=0, json_schema_extra={"search": {"log": [0.03, 3]}})
    """Weight of the cross-entropy to pseudo-labels."""


@METHODS.register("shot")
class SHOT(Method[SHOTConfig]):
    """L = beta_im L_IM + beta_self L_self, every pseudo-label trusted."""

    Config = SHOTConfig

    def adapt(self, setting: Setting[SHOTConfig]) -> TargetModel:
        """Train on TR target images."""
        from sfcmt.stages.student import Weighted, train_student
        from sfcmt.stages.terms.infomax import InfoMax
        from sfcmt.stages.terms.pseudo_labels import PseudoLabels

        config = setting.config
        trust_all = WEIGHTINGS["threshold"](setting.classes, 0.0)
        return train_student(
            setting,
            {
                "infomax": Weighted(config.beta_im, InfoMax()),
                "pseudo_labels": Weighted(config.beta_self, PseudoLabels(trust_all)),
            },
        )
