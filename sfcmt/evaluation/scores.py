"""How right predictions are. Everything here is an oracle: it has read target labels."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_confusion_matrix


@dataclass(frozen=True)
class Scores:
    """Shares in [0, 1], and counts (K, K) with true classes in rows."""

    accuracy: float
    balanced_accuracy: float
    """Mean of the classes' own accuracies."""
    confusion_KK: Tensor


def score(logits_NK: Tensor, labels_N: Tensor) -> Scores:
    """Judge logits by labels."""
    classes = logits_NK.shape[1]
    return Scores(
        multiclass_accuracy(logits_NK, labels_N, classes, average="micro").item(),
        multiclass_accuracy(logits_NK, labels_N, classes, average="macro").item(),
        multiclass_confusion_matrix(logits_NK, labels_N, classes),
    )
