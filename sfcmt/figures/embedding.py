"""Bottleneck features in the plane, by t-SNE (van der Maaten and Hinton 2008)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from torch import Tensor

_MOST = 1000
_MOST_NAMED = 20
"""Classes in the legend: as many as there are colours that one can tell apart."""


def embed(features_ND: Tensor) -> NDArray[np.float32]:
    """Features (N, D) -> points (n, 2) of the first n <= 1000 rows, which are in random order."""
    features = features_ND[:_MOST].numpy()
    perplexity = min(30.0, max(2.0, (len(features) - 1) / 3))
    points: NDArray[np.float32] = TSNE(init="pca", perplexity=perplexity, random_state=0).fit_transform(features)
    return points


def embedding_figure(points_n2: NDArray[np.float32], labels_N: Tensor, classes: Sequence[str], title: str) -> Figure:
    """Points (n, 2) of the first n rows, coloured by class; of many classes, by the commonest of the points'."""
    palette = colormaps["tab10" if len(classes) <= 10 else "tab20"]
    labels = labels_N[: len(points_n2)].numpy()
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.subplots()
    named = _commonest(labels, len(classes))
    for place, index in enumerate(named):
        x, y = points_n2[labels == index].T
        axes.scatter(x, y, s=9, label=classes[index], color=palette(place), linewidths=0)
    if len(named) < len(classes):
        x, y = points_n2[~np.isin(labels, named)].T
        axes.scatter(x, y, s=9, label=f"{len(classes) - len(named)} others", color="0.8", linewidths=0, zorder=0)
    axes.set(xticks=[], yticks=[], title=title)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, markerscale=2)
    return figure


def _commonest(labels_n: NDArray[np.int64], classes: int) -> list[int]:
    """In their own order, as many as there are colours."""
    counts = np.bincount(labels_n, minlength=classes)
    return sorted(np.argsort(-counts, kind="stable")[:_MOST_NAMED].tolist())
