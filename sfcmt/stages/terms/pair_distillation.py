"""A switch: on TI pairs, the student's class probabilities are the source model's of the real RGB."""

from __future__ import annotations

from torch import Tensor

from sfcmt.losses.distillation import distillation
from sfcmt.stages.pair_term import PairTerm
from sfcmt.stages.teacher import Teacher
from sfcmt.stages.term import Step
from sfcmt.stages.terms import TERMS


@TERMS.register("pair_distillation")
class PairDistillation(PairTerm):
    """KL(C_s F_s(x_TI^s) || C_t F_t(x_TI^t))."""

    def __init__(self, teacher: Teacher, temperature: float = 1.0) -> None:
        super().__init__(teacher)
        self._temperature = temperature

    def forward(self, step: Step) -> Tensor:
        """The divergence on one batch of pairs."""
        teacher_BK = (self.taught(step).logits_BK / self._temperature).softmax(dim=1)
        return distillation(step.pair.logits_BK, teacher_BK, self._temperature)
