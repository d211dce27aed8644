"""Pool distillation: what many trained models say together, in one model.

Source: Hinton et al., 2015 (Distilling the knowledge in a neural network), where the teacher is an ensemble.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from pydantic import Field
from torch import Tensor

from sfcmt.config import TransferConfig
from sfcmt.models.classifier import Prediction
from sfcmt.models.target_model import TargetModel
from sfcmt.outputs import Outputs
from sfcmt.stages.student import Weighted, train_student
from sfcmt.stages.terms.infomax import InfoMax
from sfcmt.stages.terms.pair_features import PairFeatures
from sfcmt.stages.terms.target_distillation import TargetDistillation
from sfcmt.stages.transfer import METHODS, OUTPUTS, Method, Setting


class PoolDistillationConfig(TransferConfig):
    """The `transfer` section of `pool_distillation`; `sfcmt distill` writes it."""

    pool: tuple[str, ...] = ()
    """Identities of transfers in the store. F_t starts from the first; none: the source model is the whole pool."""
    beta_f: float = Field(0.0, ge=0)
    """Weight of the feature distance on TI pairs."""
    beta_im: float = Field(1.0, ge=0)
    """Weight of information maximisation on TR target images: the mean of a pool is less sure than its members."""


@METHODS.register("pool_distillation")
class PoolDistillation(Method[PoolDistillationConfig]):
    """L = KL(mean of the pool || C_t F_t(x)) + beta_f L_f + beta_im L_IM."""

    Config = PoolDistillationConfig

    def adapt(self, setting: Setting[PoolDistillationConfig]) -> TargetModel:
        """Train on TR target images (and TI pairs), from the first model of the pool."""
        config = setting.config
        members = [setting.trained(identity) for identity in config.pool]
        outputs = [Outputs.load(member.path / OUTPUTS) for member in members]
        teacher = pool_teacher(outputs, setting.workspace.device) if outputs else setting.teacher(["copy"])
        terms = {
            "distillation": Weighted(1.0, TargetDistillation(teacher, temperature=1.0)),
            "features": Weighted(config.beta_f, PairFeatures(setting.pair_teacher())),
            "infomax": Weighted(config.beta_im, InfoMax()),
        }
        start = TargetModel.load(members[0].path).classifier if members else None
        return train_student(setting, terms, start)


def pool_teacher(pool: Sequence[Outputs], device: torch.device) -> Callable[[Tensor, Callable[[], Tensor]], Prediction]:
    """A teacher whose class probabilities for a target image are the pool's mean; it has no features: (B, 0)."""
    p_NK = torch.stack([outputs.target_logits.double().softmax(dim=1) for outputs in pool]).mean(dim=0)
    logits_NK = p_NK.log().float().to(device)

    def teacher(rows_B: Tensor, augmented: Callable[[], Tensor]) -> Prediction:
        logits_BK = logits_NK[rows_B.to(device)]
        return Prediction(logits_BK.new_zeros(len(logits_BK), 0), logits_BK)

    return teacher
