"""How right predictions are. Everything here is an oracle: it has read target labels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Scores:
    """Shares in [0, 1], and counts (K, K) with true classes in rows."""

    accuracy: float
    balanced_accuracy: float
    """Mean of the own accuracies of the classes that have images."""
    confusion_KK: Tensor


def score(logits_NK: Tensor, labels_N: Tensor) -> Scores:
    """Judge logits by labels."""
    classes = logits_NK.shape[1]
    cells_N = labels_N * classes + logits_NK.argmax(dim=1)
    confusion_KK = torch.bincount(cells_N, minlength=classes**2).view(classes, classes)
    right_K, all_K = confusion_KK.diagonal().double(), confusion_KK.sum(dim=1)
    # a class without images is 0 / 0, which nanmean leaves out
    return Scores((right_K.sum() / all_K.sum()).item(), (right_K / all_K).nanmean().item(), confusion_KK)
