"""A pool of models as one teacher, by what they have said already."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from sfcmt.ensemble import mean_probabilities
from sfcmt.models.classifier import Prediction
from sfcmt.outputs import Outputs


def pool_teacher(
    pool: Iterable[Outputs], rows: Tensor, device: torch.device
) -> Callable[[Tensor, Callable[[], Tensor]], Prediction]:
    """A teacher whose class probabilities for a target image are the pool's mean; it has no features: (B, 0).

    It is asked for places in `rows`, the target images that are learned from.
    """
    logits_NK = mean_probabilities(pool)[rows].log_().float().to(device)

    def teacher(rows_B: Tensor, augmented: Callable[[], Tensor]) -> Prediction:
        logits_BK = logits_NK[rows_B]
        return Prediction(logits_BK.new_zeros(len(logits_BK), 0), logits_BK)

    return teacher
