"""Bottleneck features in the plane, by t-SNE (van der Maaten and Hinton 2008)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from sklearn.manifold import TSNE
from torch import Tensor

_MOST = 1000


def embedding_figure(features_ND: Tensor, labels_N: Tensor, classes: Sequence[str], title: str) -> Figure:
    """Features (N, D), coloured by class; the first 1000 rows, which are in random order."""
    features, labels = features_ND[:_MOST].numpy(), labels_N[:_MOST].numpy()
    perplexity = min(30.0, max(2.0, (len(features) - 1) / 3))
    points = TSNE(init="pca", perplexity=perplexity, random_state=0).fit_transform(features)
    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.subplots()
    for index, name in enumerate(classes):
        chosen = points[np.asarray(labels == index)]
        axes.scatter(chosen[:, 0], chosen[:, 1], s=9, label=name, color=f"C{index % 10}", linewidths=0)
    axes.set(xticks=[], yticks=[], title=title)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, markerscale=2)
    return figure
