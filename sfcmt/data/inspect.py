"""Looking at a data set: its numbers, and a sheet of its images. Sealed parts are named, never opened."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from sfcmt.data.dataset import Dataset
from sfcmt.data.images import Pixels, decode
from sfcmt.data.manifest import Holes, Manifest, Modality
from sfcmt.data.reading import Reading
from sfcmt.data.schema import Split

_PAIR_ROWS = 3
_CELL_INCHES = 1.2
_HEIGHTS = {Split.SOURCE: 1.45, Split.TARGET: 1.3, Split.PAIRS: 2 * _PAIR_ROWS + 0.4}
"""Of the parts of a contact sheet, in cells."""
_ROBUST_PERCENTILES = (2, 98)


class Summary(BaseModel):
    """The numbers of a data set. Class counts are those of the source: the target's labels are sealed."""

    model_config = ConfigDict(frozen=True)
    name: str
    rows: dict[Split, int]
    source_class_counts: dict[str, int]
    source: Modality
    target: Modality
    min_size: tuple[int, int]
    max_size: tuple[int, int]
    holes: Holes
    reading: Reading
    sealed: tuple[str, ...]
    digest: str


def summarise(dataset: Dataset) -> Summary:
    """Collect the numbers, reading no more than the manifest and the labels of the source."""
    manifest = dataset.manifest
    labels = dataset.columns(Split.SOURCE, "label")["label"].to_numpy() if Split.SOURCE in dataset.splits else None
    counts = [] if labels is None else np.bincount(labels, minlength=len(dataset.classes)).tolist()
    return Summary(
        name=manifest.name,
        rows={split: manifest.entry(split).rows for split in dataset.splits},
        source_class_counts=dict(zip(dataset.classes, counts, strict=False)),
        source=manifest.source,
        target=manifest.target,
        min_size=manifest.min_size,
        max_size=manifest.max_size,
        holes=manifest.holes,
        reading=manifest.reading,
        sealed=tuple(sorted(manifest.sealed)),
        digest=dataset.whole_digest,
    )


def contact_sheet(dataset: Dataset, columns: int = 8) -> Figure:
    """A figure of source images with their classes, target images, and pairs, the source above its target."""
    names = (dataset.manifest.source.name, dataset.manifest.target.name)
    cells = columns * _CELL_INCHES
    heights = [height for split, height in _HEIGHTS.items() if split in dataset.splits]
    figure = Figure(figsize=(cells, sum(heights) * _CELL_INCHES + 0.8), layout="constrained")
    figure.suptitle(dataset.manifest.name, fontsize=14, fontweight="bold")
    parts = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    part = dict(zip((split for split in _HEIGHTS if split in dataset.splits), parts, strict=True))
    if Split.SOURCE in part:
        _draw_source(dataset, _grid(part[Split.SOURCE], 1, columns, f"Source: {names[0]}, labelled"))
    _draw_target(dataset, _grid(part[Split.TARGET], 1, columns, f"Target: {names[1]}, unlabelled"))
    if Split.PAIRS in part:
        title = f"Pairs: {names[0]} above {names[1]}"
        _draw_pairs(dataset, _grid(part[Split.PAIRS], 2 * _PAIR_ROWS, columns, title))
    return figure


def _draw_source(dataset: Dataset, axes: NDArray[Any]) -> None:
    row_N = _mixed(dataset.columns(Split.SOURCE, "label")["label"].to_numpy(), axes.size)
    rows = dataset.rows(Split.SOURCE, row_N, "id", "image", "label").to_pylist()
    for axis, row in zip(axes.flat, rows, strict=False):
        _show_source(axis, decode(row["image"], row["id"]))
        axis.set_title(dataset.classes[row["label"]], fontsize=9, pad=3)


def _draw_target(dataset: Dataset, axes: NDArray[Any]) -> None:
    row_N = _spread(dataset.manifest.entry(Split.TARGET).rows, axes.size)
    rows = dataset.rows(Split.TARGET, row_N, "id", "image").to_pylist()
    for axis, row in zip(axes.flat, rows, strict=False):
        _show_target(axis, decode(row["image"], row["id"]), dataset.manifest)


def _draw_pairs(dataset: Dataset, axes: NDArray[Any]) -> None:
    row_N = _spread(dataset.manifest.entry(Split.PAIRS).rows, axes.size // 2)
    rows = dataset.rows(Split.PAIRS, row_N, "id", "source_image", "target_image").to_pylist()
    for above, below, row in zip(axes[0::2].flat, axes[1::2].flat, rows, strict=False):
        _show_source(above, decode(row["source_image"], row["id"]))
        _show_target(below, decode(row["target_image"], row["id"]), dataset.manifest)


def _grid(figure: SubFigure, rows: int, columns: int, title: str) -> NDArray[Any]:
    figure.suptitle(title, fontsize=10, x=0.01, ha="left")
    axes: NDArray[Any] = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    return axes


def _spread(total: int, count: int) -> NDArray[np.int64]:
    """Up to `count` places, evenly spread over `total`."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).astype(np.int64))


def _mixed(labels: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Up to `count` rows that take the classes in turn."""
    order = np.argsort(labels, kind="stable")
    turn = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        turn[members] = np.arange(len(members))
    chosen: NDArray[np.int64] = order[np.argsort(turn[order], kind="stable")][:count]
    return chosen[np.argsort(labels[chosen], kind="stable")]


def _show_source(axis: Axes, x_CHW: Pixels) -> None:
    axis.imshow(x_CHW.transpose(1, 2, 0))


def _show_target(axis: Axes, x_CHW: Pixels, manifest: Manifest) -> None:
    """One channel: depth in colour, else grey, between robust percentiles; masked holes are light grey.

    Of more channels the first three are red, green and blue (of two, the second is green and blue): those of 8 bits as
    they are, others between the robust percentiles of each.
    """
    if len(x_CHW) > 1:
        axis.imshow(_colours(x_CHW[[0, 1, min(2, len(x_CHW) - 1)]]))
        return
    low, high = _limits(x_CHW)
    pixels = np.ma.masked_equal(x_CHW[0], 0) if manifest.holes == "mask" else x_CHW[0]
    palette = "viridis" if "depth" in manifest.target.name else "gray"
    axis.imshow(pixels, cmap=colormaps[palette].with_extremes(bad="lightgrey"), vmin=low, vmax=high)


def _colours(x_3HW: Pixels) -> NDArray[Any]:
    """(H, W, 3), as matplotlib draws it."""
    if x_3HW.dtype == np.uint8:
        return x_3HW.transpose(1, 2, 0)
    limits = [_limits(plane) for plane in x_3HW]
    stretched = [(plane - low) / (high - low) for plane, (low, high) in zip(x_3HW, limits, strict=True)]
    return np.stack(stretched, axis=2).clip(0, 1)


def _limits(pixels: Pixels) -> tuple[float, float]:
    """Robust percentiles of the known pixels, which differ."""
    known = pixels[pixels != 0] if pixels.any() else pixels
    low, high = np.percentile(known, _ROBUST_PERCENTILES)
    return low, high if high > low else low + 1
