"""TGKT with the switches that make it robust, as a preset: `tgkt` is the paper's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from sfcmt.config import TeacherName
from sfcmt.identity import OnlyWith
from sfcmt.stages.method import METHODS
from sfcmt.stages.methods.tgkt import TGKT, PseudoLabelConfig, TGKTConfig

if TYPE_CHECKING:
    from sfcmt.models.target_model import TargetModel
    from sfcmt.stages.transfer_context import TransferContext


class RobustTGKTConfig(TGKTConfig):
    """The `transfer` section of `robust_tgkt`: that of `tgkt` with other defaults.

    F_t first learns from the real source images of TI pairs, and then, starting there, adapts to the TR target images:
    it is made confident and diverse, and never forgets the pairs. Its teacher is the mean of two models that fail in
    different places: where TI is varied, what F_t learned from it is the better one; where TI is narrow, the source
    model under batch-norm statistics of the target is. Without TI pairs, the latter is start and teacher.
    """

    start: str = "ti_distillation"
    teachers: Annotated[tuple[TeacherName, ...], OnlyWith("beta_kl")] = Field(("start", "bn_adapt"), min_length=1)
    beta_kl: float = Field(0.5, ge=0, json_schema_extra={"search": {"log": [0.03, 3]}})
    beta_f: float = Field(1.0, ge=0, json_schema_extra={"search": {"log": [0.1, 10]}})
    beta_im: float = Field(1.0, ge=0, json_schema_extra={"search": {"uniform": [0, 2]}})
    pseudo: Annotated[PseudoLabelConfig, OnlyWith("beta_self")] = PseudoLabelConfig(weighting="softmatch")


@METHODS.register("robust_tgkt")
class RobustTGKT(TGKT):
    """TGKT that starts from TI distillation, follows two teachers, and maximises information; without a translator."""

    Config = RobustTGKTConfig

    @classmethod
    def without_pairs(cls, config: TGKTConfig) -> TGKTConfig:
        """No L_f, and `bn_adapt` in place of `ti_distillation`; what else a user has chosen stays."""
        changes: dict[str, Any] = {"beta_f": 0.0}
        if config.start == "ti_distillation":
            teachers = ("start" if name in ("bn_adapt", "ti_distillation") else name for name in config.teachers)
            changes |= {"start": "bn_adapt", "teachers": tuple(dict.fromkeys(teachers))}
        return config.model_copy(update=changes)

    def adapt(self, context: TransferContext[TGKTConfig]) -> TargetModel:
        """As TGKT; without TI pairs it says so."""
        if not context.data.has_pairs:
            context.workspace.notes.append(f"no TI pairs: it starts from {context.config.start}, without L_f")
        return super().adapt(context)
