"""TGKT: task-irrelevant-data-guided knowledge transfer (arXiv 2401.05014, section 3.3), and its switches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator

from sfcmt.config import LossConfig, Section, TeacherName
from sfcmt.identity import OnlyWith
from sfcmt.models.given_start import REFERENCES, START, absolute_reference, is_reference
from sfcmt.pseudo_labels.weightings import WEIGHTINGS
from sfcmt.stages.method import METHODS, Method

if TYPE_CHECKING:
    from sfcmt.models.target_model import TargetModel
    from sfcmt.stages.term import TermMakers
    from sfcmt.stages.transfer_context import TransferContext


STARTS = ("source", "bn_adapt", "shot", "ti_distillation")
"""What F_t can start from, by name."""


class PseudoLabelConfig(Section):
    """Which pseudo-labels are trusted."""

    weighting: str = Field("threshold", json_schema_extra={"search": {"choice": ["threshold", "softmatch"]}})
    """`threshold`, `softmatch` or `freematch`."""
    threshold: Annotated[float, OnlyWith(weighting="threshold")] = Field(
        0.5,
        ge=0,
        le=1,
        json_schema_extra={"search": {"uniform": [0, 0.95], "when": {"weighting": ["threshold"]}}},
    )
    """Smallest confidence that `threshold` trusts; the adaptive weightings find their own."""

    @field_validator("weighting")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in WEIGHTINGS:
            raise ValueError(", ".join(WEIGHTINGS))
        return name


class TGKTConfig(LossConfig):
    """The `transfer` section of `tgkt`. Weights of 0 switch a term off; those below beta_self are not in the paper."""

    start: str = "source"
    """What F_t starts from: `source` (the paper); the target model of `bn_adapt`, `shot` or `ti_distillation`; or one
    that has been adapted before and now goes on: `models:/NAME@ALIAS`, `runs:/ID/model`, or a stage's folder. It has to
    come from the same source model. What it has learned from may be among images that `data.target_holdout` keeps out.
    """
    teachers: Annotated[tuple[TeacherName, ...], OnlyWith("beta_kl")] = Field(("bridge",), min_length=1)
    """Whose mean predictions L_KL follows: those of the source model behind the translator (`bridge`, the paper), of
    the source model on channel copies (`copy`), of what F_t starts from (`start`), of other methods' target models."""
    beta_kl: float = Field(1.0, ge=0, json_schema_extra={"search": {"log": [0.03, 3]}})
    """Weight of L_KL, the divergence from the teachers."""
    beta_f: float = Field(10.0, ge=0, json_schema_extra={"search": {"log": [1, 100]}})
    """Weight of L_f, the feature distance on TI pairs. Ours is a mean over the 256 dimensions, the paper's a sum."""
    beta_self: float = Field(0.3, ge=0, json_schema_extra={"search": {"log": [0.03, 3]}})
    """Weight of L_self, the cross-entropy to pseudo-labels."""
    temperature: Annotated[float, OnlyWith("beta_kl", "beta_pair_kl")] = Field(1.0, gt=0)
    """Of the distributions in L_KL and in the distillation of TI pairs."""
    pseudo: Annotated[PseudoLabelConfig, OnlyWith("beta_self")] = PseudoLabelConfig()
    beta_im: float = Field(0.0, ge=0, json_schema_extra={"search": {"uniform": [0, 2]}})
    """Weight of information maximisation on TR target images."""
    beta_pair_kl: float = Field(0.0, ge=0)
    """Weight of distilling the class probabilities of the real source images of TI pairs."""
    beta_relations: float = Field(0.0, ge=0)
    """Weight of relational distillation on TI pairs."""
    beta_neighbours: float = Field(0.0, ge=0)
    """Weight of the neighbourhood term of AaD."""
    neighbours: Annotated[int, OnlyWith("beta_neighbours")] = Field(3, ge=1)
    """How many nearest neighbours attract each image."""

    @field_validator("start")
    @classmethod
    def _names_a_model(cls, start: str) -> str:
        if start in STARTS:
            return start
        if not is_reference(start):
            raise ValueError(f"{', '.join(STARTS)}, or {REFERENCES}")
        return absolute_reference(start)


@METHODS.register("tgkt")
class TGKT(Method[TGKTConfig]):
    """L = beta_kl L_KL + beta_f L_f + beta_self L_self + switches."""

    Config = TGKTConfig

    @classmethod
    def needs_bridge(cls, config: TGKTConfig) -> bool:
        """For L_KL, where it follows the translator."""
        return "bridge" in config.teachers and config.beta_kl > 0

    @classmethod
    def start(cls, config: TGKTConfig) -> str | None:
        """The config's."""
        if config.start == "source":
            return None
        return config.start if config.start in STARTS else START

    @classmethod
    def given_start(cls, config: TGKTConfig) -> str | None:
        """The config's, where it names no method."""
        return config.start if is_reference(config.start) else None

    @classmethod
    def with_start(cls, config: TGKTConfig) -> TGKTConfig:
        """Without the name."""
        return config.model_copy(update={"start": START}) if is_reference(config.start) else config

    @classmethod
    def upstream(cls, config: TGKTConfig) -> tuple[str, ...]:
        """What it starts from, and the teachers that are other methods' target models."""
        teachers = [name for name in config.teachers if name in METHODS] if config.beta_kl else []
        return tuple(dict.fromkeys([*super().upstream(config), *teachers]))

    @classmethod
    def weights(cls, config: TGKTConfig) -> dict[str, float]:
        """Those of the config."""
        return {
            "target_distillation": config.beta_kl,
            "pair_features": config.beta_f,
            "pseudo_labels": config.beta_self,
            "infomax": config.beta_im,
            "pair_distillation": config.beta_pair_kl,
            "pair_relations": config.beta_relations,
            "neighbours": config.beta_neighbours,
        }

    @classmethod
    def parts(cls, config: TGKTConfig) -> tuple[str, ...]:
        """The weighting of the pseudo-labels, too, where there are any."""
        weighting = (WEIGHTINGS.module(config.pseudo.weighting),) if config.beta_self else ()
        return (*super().parts(config), *weighting)

    def adapt(self, context: TransferContext[TGKTConfig]) -> TargetModel:
        """Train on TR target images and TI pairs."""
        from sfcmt.stages.student import train_student

        return train_student(context, self.all_weights(context.config), self.makers(context))

    def makers(self, context: TransferContext[TGKTConfig]) -> TermMakers:
        """How those of its terms are made that have fields of their own."""
        from sfcmt.stages.terms.neighbours import Neighbours
        from sfcmt.stages.terms.pair_distillation import PairDistillation
        from sfcmt.stages.terms.pseudo_labels import PseudoLabels
        from sfcmt.stages.terms.target_distillation import TargetDistillation

        config, pseudo = context.config, context.config.pseudo
        return {
            "target_distillation": lambda: TargetDistillation(context.teacher(config.teachers), config.temperature),
            "pseudo_labels": lambda: PseudoLabels(WEIGHTINGS[pseudo.weighting](context.classes, pseudo.threshold)),
            "pair_distillation": lambda: PairDistillation(context.pair_teacher, config.temperature),
            "neighbours": lambda: Neighbours(config.neighbours, decay=1.0),
        }
