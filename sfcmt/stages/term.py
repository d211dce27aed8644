"""What terms see: one step of the transfer, and one look over all target images per epoch.

Both are lazy: a forward pass that no term asks for is not computed, and one that several ask for is computed once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from torch import Tensor, nn

from sfcmt.data.batches import UnlabelledBatch
from sfcmt.losses.batchnorm_matching import BatchNormStatistics, Moments
from sfcmt.models.classifier import BatchNormFrozen, Classifier, Prediction
from sfcmt.models.translators.copy import channel_copy
from sfcmt.precision import Precision

if TYPE_CHECKING:
    from sfcmt.stages.transfer_context import TransferContext


class Step:
    """One global batch as the student sees it, in training mode: each worker its share, then all know all."""

    def __init__(
        self,
        student: Classifier,
        batch: UnlabelledBatch,
        follows_pairs: bool,
        progress: float,
        precision: Precision,
        with_statistics: bool = True,
    ) -> None:
        """`with_statistics`: whether a term asks for `target_statistics`."""
        self.student, self.batch, self.progress = student, batch, progress
        self._follows_pairs, self._precision, self._with_statistics = follows_pairs, precision, with_statistics

    @cached_property
    def target(self) -> Prediction:
        """The student on the augmented TR target images."""
        return self._seen[0]

    @cached_property
    def target_statistics(self) -> dict[str, Moments]:
        """Statistics of what entered the student's batch-norm layers for the TR target images."""
        return self._seen[1].batch

    @cached_property
    def _seen(self) -> tuple[Prediction, BatchNormStatistics]:
        statistics = BatchNormStatistics(self.student)
        with statistics if self._with_statistics else nullcontext():
            prediction: Prediction = self._precision(self.student, channel_copy(self.batch.target))
        return prediction.of_all(len(self.batch.target_B)), statistics

    @cached_property
    def pair(self) -> Prediction:
        """The student on the augmented target side of the TI pairs.

        The running statistics of batch norm follow TR target images only, since the student is for those; unless no
        term ever looks at these.
        """
        with nullcontext() if self._follows_pairs else BatchNormFrozen(self.student):
            prediction: Prediction = self._precision(self.student, channel_copy(self.batch.pair_target))
        return prediction.of_all(len(self.batch.pair_B))


class TargetPredictions:
    """The current model's features and logits of all TR target images, clean, in evaluation mode."""

    def __init__(self, look: Callable[[], Prediction]) -> None:
        self._look = look

    @cached_property
    def target(self) -> Prediction:
        """Features (N, D) and logits (N, K)."""
        return self._look()


class Term(nn.Module, ABC):
    """One term of the loss. State lives in buffers; what is made anew each epoch need not."""

    reads_target: bool = True
    """Whether it looks at the student's view of TR target images."""
    reads_statistics: bool = False
    """Whether it looks at what enters the student's batch-norm layers."""

    @classmethod
    def make(cls, context: TransferContext[Any]) -> Self:
        """The term as `transfer.terms` adds it to a method; a method makes its own terms as its fields say."""
        return cls()

    def start_epoch(self, survey: TargetPredictions) -> None:
        """Called before each epoch."""

    @abstractmethod
    def forward(self, step: Step) -> Tensor:
        """The unweighted loss of one step."""


TermMakers = Mapping[str, Callable[[], Term]]
"""How to make those terms of a loss, by name, that are not made by `Term.make`."""
