"""SOCKET (Ahmed et al., ECCV 2022), the predecessor of TGKT; written from its equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from sfcmt.config import LossConfig
from sfcmt.data.manifest import Modality
from sfcmt.stages.method import METHODS, Method

if TYPE_CHECKING:
    from sfcmt.models.target_model import TargetModel
    from sfcmt.stages.term import TermMakers
    from sfcmt.stages.transfer_context import TransferContext


class SOCKETConfig(LossConfig):
    """The `transfer` section of `socket`; the published weights."""

    beta_self: float = Field(0.3, ge=0, json_schema_extra={"search": {"log": [0.03, 3]}})
    """Weight of the cross-entropy to pseudo-labels."""
    beta_im: float = Field(1.0, ge=0, json_schema_extra={"search": {"uniform": [0, 2]}})
    """Weight of information maximisation."""
    beta_bn: float = Field(0.5, ge=0, json_schema_extra={"search": {"log": [0.05, 5]}})
    """Weight of matching the source model's batch-norm statistics."""
    beta_f: float = Field(0.5, ge=0, json_schema_extra={"search": {"log": [0.05, 5]}})
    """Weight of the feature distance on TI pairs."""
    as_released: bool = False
    """Repeat what the released code does otherwise than the paper: source TI images normalised with the target's
    statistics, TI partners not matched by name, and a trained scalar that makes the batch-norm term fade."""


@METHODS.register("socket")
class SOCKET(Method[SOCKETConfig]):
    """L = beta_self L_self + beta_im L_IM + beta_bn L_BN + beta_f L_f."""

    Config = SOCKETConfig

    @classmethod
    def weights(cls, config: SOCKETConfig) -> dict[str, float]:
        """Those of the four terms."""
        return {
            "pseudo_labels": config.beta_self,
            "infomax": config.beta_im,
            "source_statistics": config.beta_bn,
            "pair_features": config.beta_f,
        }

    @classmethod
    def check_target(cls, config: SOCKETConfig, target: Modality) -> None:
        """`as_released` has statistics of one channel for all of RGB."""
        from sfcmt.stages.misread_pairs import target_statistics_for_rgb

        if config.as_released:
            target_statistics_for_rgb(target)

    @classmethod
    def batchnorm_field(cls, config: SOCKETConfig) -> str | None:
        """The prior's weight."""
        return "transfer.beta_bn" if config.beta_bn else None

    def adapt(self, context: TransferContext[SOCKETConfig]) -> TargetModel:
        """Train on TR target images and TI pairs."""
        from sfcmt.stages.misread_pairs import MisreadPairTeacher
        from sfcmt.stages.student import train_student
        from sfcmt.stages.terms.pair_features import PairFeatures
        from sfcmt.stages.terms.source_statistics import SourceStatistics

        config = context.config
        teacher = MisreadPairTeacher(context) if config.as_released else context.pair_teacher
        makers: TermMakers = {
            "source_statistics": lambda: SourceStatistics(context.source, config.as_released),
            "pair_features": lambda: PairFeatures(teacher),
        }
        return train_student(context, self.all_weights(config), makers)
