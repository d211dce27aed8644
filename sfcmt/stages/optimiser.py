"""The optimiser of every training, and the schedule of its learning rates."""

from __future__ import annotations

import math
from typing import Any

import torch

from sfcmt.config import Training


def build_optimiser(groups: list[dict[str, Any]], training: Training, fused: bool = False) -> torch.optim.Optimizer:
    """AdamW, or SGD with Nesterov momentum 0.9, of groups of parameters that each have an `lr`.

    A `fused` one is a single kernel, which skips steps of infinite gradients without asking the host.
    """
    decay = training.weight_decay
    if training.optimiser == "sgd":
        return torch.optim.SGD(groups, momentum=0.9, nesterov=True, weight_decay=decay, fused=fused)
    return torch.optim.AdamW(groups, weight_decay=decay, fused=fused)


def rate_factor(training: Training, progress: float) -> float:
    """What the learning rates are multiplied by when a share in [0, 1] of the training is done."""
    return (1 + math.cos(math.pi * progress)) / 2 if training.schedule == "cosine" else 1.0
