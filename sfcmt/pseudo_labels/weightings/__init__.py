"""How much each pseudo-label is trusted, by the confidence of the prediction: one weighting a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sfcmt.registry import Registry

if TYPE_CHECKING:
    from sfcmt.pseudo_labels.weighting import Weighting

WEIGHTINGS: Registry[Callable[[int, float], Weighting]] = Registry("weighting", "sfcmt.pseudo_labels.weightings")
"""Each is made of the number of classes and a threshold in [0, 1], which the adaptive ones do without."""
