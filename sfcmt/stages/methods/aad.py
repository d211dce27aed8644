"""AaD (Yang et al., NeurIPS 2022): attracting and dispersing, a source-free method that needs no pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sfcmt.config import TransferConfig
from sfcmt.stages.method import METHODS, Method

if TYPE_CHECKING:
    from sfcmt.models.target_model import TargetModel
    from sfcmt.stages.setting import Setting


class AaDConfig(TransferConfig):
    """The `transfer` section of `aad`."""

    neighbours: int = Field(3, ge=1)
    """How many nearest neighbours attract each image."""
    decay: float = Field(1.0, ge=0)
    """How fast the dispersion loses weight; 0 for not at all."""


@METHODS.register("aad")
class AaD(Method[AaDConfig]):
    """L = L_AaD."""

    Config = AaDConfig

    def adapt(self, setting: Setting[AaDConfig]) -> TargetModel:
        """Train on TR target images."""
        from sfcmt.stages.student import Weighted, train_student
        from sfcmt.stages.terms.neighbours import Neighbours

        config = setting.config
        return train_student(setting, {"neighbours": Weighted(1.0, Neighbours(config.neighbours, config.decay))})
