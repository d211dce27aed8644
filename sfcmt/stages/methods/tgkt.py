"""TGKT: task-irrelevant-data-guided knowledge transfer (arXiv 2401.05014, section 3.3), and its switches."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, field_validator

from sfcmt.config import Section, TransferConfig
from sfcmt.models.target_model import TargetModel
from sfcmt.pseudo_labels.base import WEIGHTINGS
from sfcmt.stages.student import Weighted, train_student
from sfcmt.stages.teacher import Teacher
from sfcmt.stages.terms.bridge_distillation import BridgeDistillation
from sfcmt.stages.terms.infomax import InfoMax
from sfcmt.stages.terms.neighbours import Neighbours
from sfcmt.stages.terms.pair_distillation import PairDistillation
from sfcmt.stages.terms.pair_features import PairFeatures
from sfcmt.stages.terms.pair_relations import PairRelations
from sfcmt.stages.terms.pseudo_labels import PseudoLabels
from sfcmt.stages.transfer import METHODS, Method, Setting


class PseudoLabelConfig(Section):
    """Which pseudo-labels are trusted."""

    weighting: str = "threshold"
    """`threshold`, `softmatch` or `freematch`."""
    threshold: float = Field(0.5, ge=0, le=1, json_schema_extra={"search": {"uniform": [0, 0.95]}})
    """Smallest confidence that `threshold` trusts; the adaptive weightings find their own."""

    @field_validator("weighting")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in WEIGHTINGS:
            raise ValueError(", ".join(WEIGHTINGS))
        return name


class TGKTConfig(TransferConfig):
    """The `transfer` section of `tgkt`. Weights of 0 switch a term off; those below beta_self are not in the paper."""

    beta_kl: float = Field(1.0, ge=0, json_schema_extra={"search": {"log": [0.03, 3]}})
    """Weight of L_KL, the divergence from the source model behind the translator."""
    beta_f: float = Field(10.0, ge=0, json_schema_extra={"search": {"log": [1, 100]}})
    """Weight of L_f, the feature distance on TI pairs. Ours is a mean over the 256 dimensions, the paper's a sum."""
    beta_self: float = Field(0.3, ge=0, json_schema_extra={"search": {"log": [0.03, 3]}})
    """Weight of L_self, the cross-entropy to pseudo-labels."""
    temperature: float = Field(1.0, gt=0)
    """Of the distributions in L_KL and in the distillation of TI pairs."""
    pseudo: PseudoLabelConfig = PseudoLabelConfig()
    beta_im: float = Field(0.0, ge=0, json_schema_extra={"search": {"uniform": [0, 2]}})
    """Weight of information maximisation on TR target images."""
    beta_pair_kl: float = Field(0.0, ge=0)
    """Weight of distilling the class probabilities of the real source images of TI pairs."""
    beta_relations: float = Field(0.0, ge=0)
    """Weight of relational distillation on TI pairs."""
    beta_neighbours: float = Field(0.0, ge=0)
    """Weight of the neighbourhood term of AaD."""
    neighbours: int = Field(3, ge=1)
    """How many nearest neighbours attract each image."""


@METHODS.register("tgkt")
class TGKT(Method[TGKTConfig]):
    """L = beta_kl L_KL + beta_f L_f + beta_self L_self + switches."""

    Config = TGKTConfig
    uses_bridge: ClassVar[bool] = True

    def adapt(self, setting: Setting[TGKTConfig]) -> TargetModel:
        """Train on TR target images and TI pairs."""
        return train_student(setting, self.terms(setting))

    def teacher(self, setting: Setting[TGKTConfig]) -> Teacher:
        """Whom L_KL follows."""
        return setting.bridge_teacher()

    def terms(self, setting: Setting[TGKTConfig]) -> dict[str, Weighted]:
        """All terms with their weights."""
        config, pairs = setting.config, setting.pair_teacher()
        weighting = WEIGHTINGS[config.pseudo.weighting](setting.classes, config.pseudo.threshold)
        return {
            "bridge": Weighted(config.beta_kl, BridgeDistillation(self.teacher(setting), config.temperature)),
            "features": Weighted(config.beta_f, PairFeatures(pairs)),
            "pseudo_labels": Weighted(config.beta_self, PseudoLabels(weighting)),
            "infomax": Weighted(config.beta_im, InfoMax()),
            "pair_distillation": Weighted(config.beta_pair_kl, PairDistillation(pairs, config.temperature)),
            "pair_relations": Weighted(config.beta_relations, PairRelations(pairs)),
            "neighbours": Weighted(config.beta_neighbours, Neighbours(config.neighbours, decay=1.0)),
        }
