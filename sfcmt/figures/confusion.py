"""Which class is taken for which: the confusion matrix, or of very many classes the commonest confusions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

MOST_CLASSES = 40
"""Classes up to which there is a matrix: of more, nobody could read its cells."""
MOST_CONFUSIONS = 30
_WIDTH = 32
"""Characters of a class's name beside a bar."""


def confusion_figure(confusion_KK: Tensor, classes: Sequence[str]) -> Figure:
    """Of counts (K, K) with true classes in rows; cells and bars are shares of the true class."""
    shares_KK = confusion_KK / confusion_KK.sum(dim=1, keepdim=True).clamp(min=1)
    draw = _matrix if len(classes) <= MOST_CLASSES else _confusions
    return draw(confusion_KK, shares_KK, classes)


def _matrix(confusion_KK: Tensor, shares_KK: Tensor, classes: Sequence[str]) -> Figure:
    side = 2.2 + 0.55 * len(classes)
    figure = Figure(figsize=(side + 0.6, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares_KK.numpy(), cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    axes.set(xlabel="predicted", ylabel="true")
    _write_counts(axes, confusion_KK, shares_KK)
    figure.colorbar(image, ax=axes, shrink=0.8, label="share of the true class")
    return figure


def _write_counts(axes: Axes, confusion_KK: Tensor, shares_KK: Tensor) -> None:
    for row, column in product(range(len(shares_KK)), repeat=2):
        colour = "white" if shares_KK[row, column] > 0.5 else "black"
        text = str(int(confusion_KK[row, column]))
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)


def _confusions(confusion_KK: Tensor, shares_KK: Tensor, classes: Sequence[str]) -> Figure:
    """A bar for each of the cells beside the diagonal that have the largest counts, the largest on top."""
    wrong_KK = confusion_KK.clone().fill_diagonal_(0)
    order = torch.argsort(wrong_KK.flatten(), descending=True, stable=True)[:MOST_CONFUSIONS]
    cells = [divmod(int(cell), len(classes)) for cell in order if wrong_KK.flatten()[cell]]
    figure = Figure(figsize=(9, 1.2 + 0.26 * max(len(cells), 1)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(range(len(cells)), [shares_KK[cell].item() for cell in cells], color="tab:blue")
    axes.bar_label(bars, [str(int(confusion_KK[cell])) for cell in cells], padding=3, fontsize=8)
    names = [f"{_short(classes[true])} \N{RIGHTWARDS ARROW} {_short(classes[told])}" for true, told in cells]
    axes.set_yticks(range(len(cells)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="share of the true class; beside it, images")
    right = int(confusion_KK.trace())
    axes.set_title(f"{len(cells)} commonest confusions of {len(classes)} classes; {right} images are right", fontsize=9)
    return figure


def _short(name: str) -> str:
    return name if len(name) <= _WIDTH else f"{name[: _WIDTH - 3]}..."
