"""Pool distillation: what many trained models say together, in one model.

Source: Hinton et al., 2015 (Distilling the knowledge in a neural network), where the teacher is an ensemble.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field

from sfcmt.config import LossConfig
from sfcmt.errors import ConfigError, Problem
from sfcmt.outputs import Outputs
from sfcmt.stages.method import METHODS, Method

if TYPE_CHECKING:
    from torch import Tensor

    from sfcmt.models.target_model import TargetModel
    from sfcmt.stages.term import TermMakers
    from sfcmt.stages.transfer_context import TransferContext


class PoolDistillationConfig(LossConfig):
    """The `transfer` section of `pool_distillation`; `sfcmt distill` writes it."""

    pool: tuple[str, ...] = ()
    """Identities of transfers in the store; none: the source model is the whole pool. F_t starts from the first that
    sees target images as it does: through the same fixed translator, or none."""
    beta_f: float = Field(0.0, ge=0)
    """Weight of the feature distance on TI pairs."""
    beta_im: float = Field(1.0, ge=0)
    """Weight of information maximisation on TR target images: the mean of a pool is less sure than its members."""


@METHODS.register("pool_distillation")
class PoolDistillation(Method[PoolDistillationConfig]):
    """L = KL(mean of the pool || C_t F_t(x)) + beta_f L_f + beta_im L_IM."""

    Config = PoolDistillationConfig

    @classmethod
    def weights(cls, config: PoolDistillationConfig) -> dict[str, float]:
        """The divergence from the pool, which is always there, and the two others."""
        return {"target_distillation": 1.0, "pair_features": config.beta_f, "infomax": config.beta_im}

    def adapt(self, context: TransferContext[PoolDistillationConfig]) -> TargetModel:
        """Train on TR target images (and TI pairs), from the first model of the pool."""
        from sfcmt.models.target_model import TargetModel, read_spec
        from sfcmt.stages.pool_teacher import pool_teacher
        from sfcmt.stages.student import train_student
        from sfcmt.stages.terms.target_distillation import TargetDistillation

        members = [context.trained(identity) for identity in context.config.pool]
        outputs = [Outputs.load(member.path) for member in members]
        rows, held_out = context.data.target_rows, context.data.held_target_rows
        _refuse_others(context.config.pool, outputs, held_out)
        teacher = pool_teacher(outputs, rows, context.workspace.device) if outputs else context.teacher(["copy"])
        makers: TermMakers = {"target_distillation": lambda: TargetDistillation(teacher)}
        through = context.workspace.translator
        alike = next((one.path for one in members if read_spec(one.path).seen_through == through), None)
        start = TargetModel.load(alike).classifier if alike else None
        return train_student(context, self.all_weights(context.config), makers, start)


def _refuse_others(pool: Sequence[str], outputs: Sequence[Outputs], held_out: Tensor) -> None:
    """Raise `ConfigError` for members that have learned from rows that are held out: they would tell of them."""
    allowed = "transfers that hold out all that data.target_holdout keeps out of this one"
    for identity, one in zip(pool, outputs, strict=True):
        if len(held_out) and (one.held_out is None or not one.held_out[held_out].all()):
            raise ConfigError([Problem("transfer.pool", identity, allowed)])
