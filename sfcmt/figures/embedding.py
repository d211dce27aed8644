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


def embed(features_ND: Tensor) -> NDArray[np.float32]:
    """Features (N, D) -> points (n, 2) of the first n <= 1000 rows, which are in random order."""
    features = features_ND[:_MOST].numpy()
    perplexity = min(30.0, max(2.0, (len(features) - 1) / 3))
    points: NDArray[np.float32] = TSNE(init="pca", perplexity=perplexity, random_state=0).fit_transform(features)
    return points


def embedding_figure(points_n2: NDArray[np.float32], labels_N: Tensor, classes: Sequence[str], title: str) -> Figure:
    """Points (n, 2) of the first n rows, coloured by class."""
    palette = colormaps["tab10" if len(classes) <= 10 else "tab20"]
    labels = labels_N[: len(points_n2)].numpy()
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.subplots()
    for index, name in enumerate(classes):
        x, y = points_n2[labels == index].T
        axes.scatter(x, y, s=9, label=name, color=palette(index % palette.N), linewidths=0)
    axes.set(xticks=[], yticks=[], title=title)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, markerscale=2)
    return figure
