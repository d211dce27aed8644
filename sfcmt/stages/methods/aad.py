"""AaD (Yang et al., NeurIPS 2022): attracting and dispersing, a source-free method that needs no pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sfcmt.config import LossConfig
from sfcmt.stages.method import METHODS, Method

if TYPE_CHECKING:
    from sfcmt.models.target_model import TargetModel
    from sfcmt.stages.term import TermMakers
    from sfcmt.stages.transfer_context import TransferContext


class AaDConfig(LossConfig):
    """The `transfer` section of `aad`."""

    neighbours: int = Field(3, ge=1)
    """How many nearest neighbours attract each image."""
    decay: float = Field(1.0, ge=0)
    """How fast the dispersion loses weight; 0 for not at all."""


@METHODS.register("aad")
class AaD(Method[AaDConfig]):
    """L = L_AaD."""

    Config = AaDConfig

    @classmethod
    def weights(cls, config: AaDConfig) -> dict[str, float]:
        """All there is."""
        return {"neighbours": 1.0}

    def adapt(self, context: TransferContext[AaDConfig]) -> TargetModel:
        """Train on TR target images."""
        from sfcmt.stages.student import train_student
        from sfcmt.stages.terms.neighbours import Neighbours

        config = context.config
        makers: TermMakers = {"neighbours": lambda: Neighbours(config.neighbours, config.decay)}
        return train_student(context, self.all_weights(config), makers)
