"""L_f of TGKT and SOCKET: on TI pairs, the student's features are the source model's of the real RGB."""

from __future__ import annotations

from torch import Tensor

from sfcmt.losses.feature_matching import feature_matching
from sfcmt.stages.pair_term import PairTerm
from sfcmt.stages.term import Step
from sfcmt.stages.terms import TERMS


@TERMS.register("pair_features")
class PairFeatures(PairTerm):
    """||F_s(x_TI^s) - F_t(x_TI^t)||^2 at the bottleneck."""

    def forward(self, step: Step) -> Tensor:
        """The distance on one batch of pairs."""
        return feature_matching(step.pair.features_BD, self.taught(step).features_BD)
