"""A switch: on TI pairs, the student's features lie to each other as the source model's of the real RGB do."""

from __future__ import annotations

from torch import Tensor

from sfcmt.losses.relational import relational
from sfcmt.stages.pair_term import PairTerm
from sfcmt.stages.term import Step
from sfcmt.stages.terms import TERMS


@TERMS.register("pair_relations")
class PairRelations(PairTerm):
    """Relational distillation of the batch's cosine similarities."""

    def forward(self, step: Step) -> Tensor:
        """The distance of the similarity matrices of one batch of pairs."""
        return relational(step.pair.features_BD, self.taught(step).features_BD)
