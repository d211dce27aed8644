"""Information maximisation on TR target images."""

from __future__ import annotations

from torch import Tensor

from sfcmt.losses.information_maximisation import information_maximisation
from sfcmt.stages.term import Step, Term
from sfcmt.stages.terms import TERMS


@TERMS.register("infomax")
class InfoMax(Term):
    """mean H(p_i) - H(mean p_i) of the student's predictions."""

    def forward(self, step: Step) -> Tensor:
        """The loss of one batch."""
        return information_maximisation(step.target.logits_BK)
