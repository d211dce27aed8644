"""L_KL of TGKT: the student learns what a teacher says of TR target images: F_s(T(x)) in the paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

from torch import Tensor

from sfcmt.losses.distillation import distillation
from sfcmt.models.classifier import Prediction
from sfcmt.stages.term import Step, Term
from sfcmt.stages.terms import TERMS

if TYPE_CHECKING:
    from sfcmt.stages.transfer_context import TransferContext


@TERMS.register("target_distillation")
class TargetDistillation(Term):
    """KL(teacher(x) || C_t F_t(x)) on TR target images, both at one temperature."""

    def __init__(self, teacher: Callable[[Tensor, Callable[[], Tensor]], Prediction], temperature: float = 1.0) -> None:
        super().__init__()
        self._teacher, self._temperature = teacher, temperature

    @classmethod
    def make(cls, context: TransferContext[Any]) -> Self:
        """The teacher is what F_t starts from."""
        return cls(context.teacher(["start"]))

    def forward(self, step: Step) -> Tensor:
        """The divergence on one batch."""
        logits_BK = self._teacher(step.batch.target_B, lambda: step.batch.target).logits_BK
        teacher_BK = (logits_BK / self._temperature).softmax(dim=1)
        return distillation(step.target.logits_BK, teacher_BK, self._temperature)
