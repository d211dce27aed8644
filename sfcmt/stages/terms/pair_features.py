"""L_f of TGKT and SOCKET: on TI pairs, the student's features are the source model's of the real RGB."""

from __future__ import annotations

from torch import Tensor

from sfcmt.losses.feature_matching import feature_matching
from sfcmt.stages.teacher import Teacher
from sfcmt.stages.terms.base import Step, Term


class PairFeatures(Term):
    """||F_s(x_TI^s) - F_t(x_TI^t)||^2 at the bottleneck."""

    reads_target = False

    def __init__(self, teacher: Teacher) -> None:
        super().__init__()
        self._teacher = teacher

    def forward(self, step: Step) -> Tensor:
        """The distance on one batch of pairs."""
        teacher_BD = self._teacher(step.batch.pair_B, lambda: step.batch.pair_source).features_BD
        return feature_matching(step.pair.features_BD, teacher_BD)
