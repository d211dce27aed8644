"""A pool of models as one teacher, by what they have said already."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from sfcmt.models.classifier import Prediction
from sfcmt.outputs import Outputs


def pool_teacher(pool: Sequence[Outputs], device: torch.device) -> Callable[[Tensor, Callable[[], Tensor]], Prediction]:
    """A teacher whose class probabilities for a target image are the pool's mean; it has no features: (B, 0)."""
    p_NK = torch.stack([outputs.target_logits.double().softmax(dim=1) for outputs in pool]).mean(dim=0)
    logits_NK = p_NK.log().float().to(device)

    def teacher(rows_B: Tensor, augmented: Callable[[], Tensor]) -> Prediction:
        logits_BK = logits_NK[rows_B.to(device)]
        return Prediction(logits_BK.new_zeros(len(logits_BK), 0), logits_BK)

    return teacher
