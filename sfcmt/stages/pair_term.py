"""What terms on TI pairs have in common: a frozen teacher that sees the real source side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from sfcmt.models.classifier import Prediction
from sfcmt.stages.teacher import Teacher
from sfcmt.stages.term import Step, Term

if TYPE_CHECKING:
    from sfcmt.stages.transfer_context import TransferContext


class PairTerm(Term):
    """A term that compares the student on the target side of TI pairs with a teacher on their source side."""

    reads_target = False

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        self._teacher = teacher

    @classmethod
    def make(cls, context: TransferContext[Any]) -> Self:
        """Its teacher is the source model."""
        return cls(context.pair_teacher)

    def taught(self, step: Step) -> Prediction:
        """What the teacher says of the batch's pairs."""
        return self._teacher(step.batch.pair_B, lambda: step.batch.pair_source)
