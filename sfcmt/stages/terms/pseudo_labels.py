"""L_self: cross-entropy to the student's own pseudo-labels, refreshed each epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from torch import Tensor

from sfcmt.losses.self_training import self_training
from sfcmt.pseudo_labels.centroids import centroid_labels
from sfcmt.pseudo_labels.weighting import Weighting
from sfcmt.pseudo_labels.weightings import WEIGHTINGS
from sfcmt.stages.term import Step, TargetPredictions, Term
from sfcmt.stages.terms import TERMS

if TYPE_CHECKING:
    from sfcmt.stages.transfer_context import TransferContext


@TERMS.register("pseudo_labels")
class PseudoLabels(Term):
    """Labels by feature centroids (SHOT), each weighted by the confidence of the prediction it was made from."""

    def __init__(self, weighting: Weighting) -> None:
        super().__init__()
        self.weighting = weighting

    @classmethod
    def make(cls, context: TransferContext[Any]) -> Self:
        """Every label is trusted."""
        return cls(WEIGHTINGS["threshold"](context.classes, 0.0))

    def start_epoch(self, survey: TargetPredictions) -> None:
        """Make the labels anew."""
        features_ND, logits_NK = survey.target
        self._probabilities_NK = logits_NK.softmax(dim=1)
        self._labels_N = centroid_labels(features_ND, self._probabilities_NK).labels_N

    def forward(self, step: Step) -> Tensor:
        """The weighted cross-entropy of one batch."""
        rows = step.batch.target_B
        weights_B: Tensor = self.weighting(self._probabilities_NK[rows])
        return self_training(step.target.logits_BK, self._labels_N[rows], weights_B)
