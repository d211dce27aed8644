"""A switch: on TI pairs, the student's features lie to each other as the source model's of the real RGB do."""

from __future__ import annotations

from torch import Tensor

from sfcmt.losses.relational import relational
from sfcmt.stages.teacher import Teacher
from sfcmt.stages.terms.base import Step, Term


class PairRelations(Term):
    """Relational distillation of the batch's cosine similarities."""

    reads_target = False

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        self._teacher = teacher

    def forward(self, step: Step) -> Tensor:
        """The distance of the similarity matrices of one batch of pairs."""
        teacher_BD = self._teacher(step.batch.pair_B, lambda: step.batch.pair_source).features_BD
        return relational(step.pair.features_BD, teacher_BD)
