"""A switch: on TI pairs, the student's class probabilities are the source model's of the real RGB."""

from __future__ import annotations

from torch import Tensor

from sfcmt.losses.distillation import distillation
from sfcmt.stages.teacher import Teacher
from sfcmt.stages.terms.base import Step, Term


class PairDistillation(Term):
    """KL(C_s F_s(x_TI^s) || C_t F_t(x_TI^t))."""

    reads_target = False

    def __init__(self, teacher: Teacher, temperature: float) -> None:
        super().__init__()
        self._teacher, self._temperature = teacher, temperature

    def forward(self, step: Step) -> Tensor:
        """The divergence on one batch of pairs."""
        logits_BK = self._teacher(step.batch.pair_B, lambda: step.batch.pair_source).logits_BK
        teacher_BK = (logits_BK.float() / self._temperature).softmax(dim=1)
        return distillation(step.pair.logits_BK, teacher_BK, self._temperature)
