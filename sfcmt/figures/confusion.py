"""The confusion matrix: which class is taken for which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

_MOST = 40
"""Classes up to which every cell has its number and every class its name, in inches that grow with them."""


def confusion_figure(confusion_KK: Tensor, classes: Sequence[str]) -> Figure:
    """Counts (K, K) with true classes in rows; coloured by the share of the true class.

    Of more than `_MOST` classes some names are written, evenly spaced, and no number: nobody could read them.
    """
    shares = confusion_KK / confusion_KK.sum(dim=1, keepdim=True).clamp(min=1)
    side = 2.2 + 0.55 * min(len(classes), _MOST)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares.numpy(), cmap="Blues", vmin=0, vmax=1)
    named = range(0, len(classes), math.ceil(len(classes) / _MOST))
    axes.set_xticks(named, [classes[place] for place in named], rotation=45, ha="right")
    axes.set_yticks(named, [classes[place] for place in named])
    axes.set(xlabel="predicted", ylabel="true")
    if len(classes) <= _MOST:
        _write_counts(axes, confusion_KK, shares)
    figure.colorbar(image, ax=axes, shrink=0.8, label="share of the true class")
    return figure


def _write_counts(axes: Axes, confusion_KK: Tensor, shares: Tensor) -> None:
    for row, column in product(range(len(shares)), repeat=2):
        colour = "white" if shares[row, column] > 0.5 else "black"
        text = str(int(confusion_KK[row, column]))
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
