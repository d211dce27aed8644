"""How right predictions are. Everything here is an oracle: it has read target labels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Scores:
    """Shares in [0, 1], and counts (K, K) with true classes in rows."""

    accuracy: float
    balanced_accuracy: float
    """Mean of the own accuracies of the classes that have images."""
    confusion_KK: Tensor
    held_out: Scores | None = None
    """On images that the model did not learn from, if any are held out: all else is on the others then."""

    @property
    def figures(self) -> dict[str, float]:
        """All but the confusion, by name; those of held-out images begin with `held_out_`."""
        own = {"accuracy": self.accuracy, "balanced_accuracy": self.balanced_accuracy}
        return own | {
            f"held_out_{name}": value for name, value in (self.held_out.figures if self.held_out else {}).items()
        }


def right_of(logits_NK: Tensor, labels_N: Tensor) -> Tensor:
    """Of which images (N,) the logits are right."""
    return logits_NK.argmax(dim=1) == labels_N


def score(logits_NK: Tensor, labels_N: Tensor, held_out_N: Tensor | None = None) -> Scores:
    """Judge logits by labels; those of images that are held out apart."""
    if held_out_N is None:
        return _score(logits_NK, labels_N)
    adapted, held = (_score(logits_NK[rows_N], labels_N[rows_N]) for rows_N in (~held_out_N, held_out_N))
    return replace(adapted, held_out=held)


def _score(logits_NK: Tensor, labels_N: Tensor) -> Scores:
    classes = logits_NK.shape[1]
    cells_N = labels_N * classes + logits_NK.argmax(dim=1)
    confusion_KK = torch.bincount(cells_N, minlength=classes**2).view(classes, classes)
    right_K, all_K = confusion_KK.diagonal().double(), confusion_KK.sum(dim=1)
    # a class without images is 0 / 0, which nanmean leaves out
    return Scores((right_K.sum() / all_K.sum()).item(), (right_K / all_K).nanmean().item(), confusion_KK)
