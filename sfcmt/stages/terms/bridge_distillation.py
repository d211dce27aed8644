"""L_KL of TGKT: the student learns what the source model says of translated images."""

from __future__ import annotations

from torch import Tensor

from sfcmt.losses.distillation import distillation
from sfcmt.stages.teacher import Teacher
from sfcmt.stages.terms.base import Step, Term


class BridgeDistillation(Term):
    """KL(C_s F_s(T(x)) || C_t F_t(x)) on TR target images, both at one temperature."""

    def __init__(self, teacher: Teacher, temperature: float) -> None:
        super().__init__()
        self._teacher, self._temperature = teacher, temperature

    def forward(self, step: Step) -> Tensor:
        """The divergence on one batch."""
        logits_BK = self._teacher(step.batch.target_B, lambda: step.batch.target).logits_BK
        teacher_BK = (logits_BK.float() / self._temperature).softmax(dim=1)
        return distillation(step.target.logits_BK, teacher_BK, self._temperature)
