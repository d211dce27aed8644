"""AaD: predictions of near neighbours attract each other, the others of the batch disperse (Yang et al. 2022)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from sfcmt.losses.attracting_dispersing import attracting_dispersing
from sfcmt.stages.term import Step, TargetPredictions, Term
from sfcmt.stages.terms import TERMS


@TERMS.register("neighbours")
class Neighbours(Term):
    """Neighbours by cosine among the features of all TR target images, kept up to date step by step.

    The weight of the dispersion decays as (1 + 10 progress)^-decay.
    """

    def __init__(self, count: int = 3, decay: float = 1.0) -> None:
        super().__init__()
        self._count, self._decay = count, decay

    def start_epoch(self, survey: TargetPredictions) -> None:
        """Fill the banks anew."""
        features_ND, logits_NK = survey.target
        self._features_ND = F.normalize(features_ND, dim=1)
        self._probabilities_NK = logits_NK.softmax(dim=1)

    def forward(self, step: Step) -> Tensor:
        """The loss of one batch."""
        probabilities_BK = step.target.logits_BK.softmax(dim=1)
        neighbours_BMK = self._neighbours(step, probabilities_BK)
        return attracting_dispersing(probabilities_BK, neighbours_BMK, (1 + 10 * step.progress) ** -self._decay)

    @torch.no_grad()
    def _neighbours(self, step: Step, probabilities_BK: Tensor) -> Tensor:
        rows = step.batch.target_B
        features_BD = F.normalize(step.target.features_BD, dim=1)
        self._features_ND[rows], self._probabilities_NK[rows] = features_BD, probabilities_BK.detach()
        similarity_BN = features_BD @ self._features_ND.T
        similarity_BN.scatter_(1, rows[:, None], -torch.inf)
        count = min(self._count, len(self._features_ND) - 1)
        return self._probabilities_NK[similarity_BN.topk(count, dim=1).indices]
