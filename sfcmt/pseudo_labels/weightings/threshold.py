"""Trust what is confident enough."""

from __future__ import annotations

from torch import Tensor

from sfcmt.pseudo_labels.weighting import Weighting
from sfcmt.pseudo_labels.weightings import WEIGHTINGS


@WEIGHTINGS.register("threshold")
class Threshold(Weighting):
    """All or nothing, at a fixed threshold.

        w_i = 1[max_k p_ik >= threshold]

    Source: Sohn et al., NeurIPS 2020 (FixMatch), l_u; TGKT, arXiv 2401.05014, L_self.
    """

    def __init__(self, classes: int, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold

    def weigh(self, probabilities_BK: Tensor) -> Tensor:
        return probabilities_BK.amax(dim=1) >= self.threshold
