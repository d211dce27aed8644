"""SOCKET's prior: what enters the student's batch-norm layers keeps the source model's statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from sfcmt.losses.batchnorm_matching import batchnorm_matching, running_statistics
from sfcmt.models.classifier import Classifier
from sfcmt.stages.term import Step, Term
from sfcmt.stages.terms import TERMS

if TYPE_CHECKING:
    from sfcmt.stages.transfer_context import TransferContext


@TERMS.register("source_statistics")
class SourceStatistics(Term):
    """Distances of means and variances, summed over layers.

    `fading`: as in SOCKET's released code, the term is multiplied by a scalar that is trained with the rest, so that
    descent makes it fade.
    """

    reads_statistics = True

    def __init__(self, source: Classifier, fading: bool = False) -> None:
        super().__init__()
        self._statistics = running_statistics(source)
        self.scale = nn.Parameter(torch.ones(())) if fading else None

    @classmethod
    def make(cls, context: TransferContext[Any]) -> Self:
        """Statistics of the source model, as in the paper."""
        return cls(context.source)

    def forward(self, step: Step) -> Tensor:
        """The distance for one batch of TR target images."""
        distance = batchnorm_matching(step.target_statistics, self._statistics)
        return distance if self.scale is None else self.scale * distance
