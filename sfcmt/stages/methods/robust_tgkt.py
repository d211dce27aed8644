"""TGKT with the switches that make it robust, as a preset: `tgkt` is the paper's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from sfcmt.config import TeacherName
from sfcmt.identity import OnlyWith
from sfcmt.stages.method import METHODS
from sfcmt.stages.methods.tgkt import TGKT, PseudoLabelConfig, TGKTConfig


class RobustTGKTConfig(TGKTConfig):
    """The `transfer` section of `robust_tgkt`: that of `tgkt` with other defaults.

    F_t first learns from the real source images of TI pairs, and then, starting there, adapts to the TR target images:
    it is made confident and diverse, and never forgets the pairs. Its teacher is the mean of two models that fail in
    different places: where TI is varied, what F_t learned from it is the better one; where TI is narrow, the source
    model under batch-norm statistics of the target is.
    """

    start: Literal["source", "bn_adapt", "shot", "ti_distillation"] = "ti_distillation"
    teachers: Annotated[tuple[TeacherName, ...], OnlyWith("beta_kl")] = Field(("start", "bn_adapt"), min_length=1)
    beta_kl: float = Field(0.5, ge=0, json_schema_extra={"search": {"log": [0.03, 3]}})
    beta_f: float = Field(1.0, ge=0, json_schema_extra={"search": {"log": [0.1, 10]}})
    beta_im: float = Field(1.0, ge=0, json_schema_extra={"search": {"uniform": [0, 2]}})
    pseudo: Annotated[PseudoLabelConfig, OnlyWith("beta_self")] = PseudoLabelConfig(weighting="softmatch")


@METHODS.register("robust_tgkt")
class RobustTGKT(TGKT):
    """TGKT that starts from TI distillation, follows two teachers, and maximises information; without a translator."""

    Config = RobustTGKTConfig
