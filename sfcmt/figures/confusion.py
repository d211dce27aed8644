"""The confusion matrix: which class is taken for which."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor


def confusion_figure(confusion_KK: Tensor, classes: Sequence[str]) -> Figure:
    """Counts (K, K) with true classes in rows; coloured by the share of the true class."""
    shares = confusion_KK / confusion_KK.sum(dim=1, keepdim=True).clamp(min=1)
    side = 2.2 + 0.55 * len(classes)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares.numpy(), cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    axes.set(xlabel="predicted", ylabel="true")
    for row in range(len(classes)):
        for column in range(len(classes)):
            colour = "white" if shares[row, column] > 0.5 else "black"
            text = str(int(confusion_KK[row, column]))
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    figure.colorbar(image, ax=axes, shrink=0.8, label="share of the true class")
    return figure
