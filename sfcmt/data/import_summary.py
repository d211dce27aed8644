"""What an import has found: images of each class, to train on and held out. Labels of target images stay sealed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from rich.table import Table

from sfcmt.config import DataConfig
from sfcmt.data.dataset import Dataset
from sfcmt.data.holdout import stratified_holdout
from sfcmt.data.schema import MIN_TARGET, Split
from sfcmt.listing import listed

_MOST = 30
"""Of more classes, the smallest are shown."""


class ClassCounts(NamedTuple):
    """Source images of one class, at the default of `data.holdout`."""

    name: str
    trained: int
    held: int


def class_counts(dataset: Dataset) -> list[ClassCounts]:
    """For each class, in its order; none without source images."""
    if Split.SOURCE not in dataset.splits:
        return []
    table = dataset.columns(Split.SOURCE, "group", "label")
    label_N = table["label"].to_numpy()
    held_N = stratified_holdout(table["group"].to_pylist(), label_N, DataConfig().holdout)
    counts = [np.bincount(label_N[rows], minlength=len(dataset.classes)) for rows in (~held_N, held_N)]
    return [ClassCounts(name, *map(int, own)) for name, *own in zip(dataset.classes, *counts, strict=True)]


def class_table(counts: list[ClassCounts]) -> Table:
    """A row a class, and of many classes one for the rest."""
    shown = sorted(counts, key=lambda one: one.trained + one.held)[:_MOST] if len(counts) > _MOST else counts
    rest = [one for one in counts if one not in shown]
    table = Table("class", "source, to train on", "source, held out", box=None, pad_edge=False)
    for one in shown:
        table.add_row(one.name, str(one.trained), str(one.held))
    if rest:
        totals = (sum(one.trained for one in rest), sum(one.held for one in rest))
        table.add_row(f"{len(rest)} larger classes", *map(str, totals))
    return table


def warnings_of(dataset: Dataset, counts: list[ClassCounts]) -> list[str]:
    """What keeps a class, or the whole task, from being learnt."""
    absent = [one.name for one in counts if not one.trained]
    found = [f"warning: no source images of: {listed(absent)}"] if absent else []
    if (rows := dataset.manifest.entry(Split.TARGET).rows) < MIN_TARGET:
        found.append(f"warning: {rows} target image; training needs at least {MIN_TARGET}")
    return found


def counts_line(dataset: Dataset) -> str:
    """Rows of each split, and of what is sealed."""
    manifest = dataset.manifest
    rows, sealed = (
        ", ".join(f"{entry.rows} {part}" for part, entry in parts)
        for parts in (manifest.files.items(), sorted(manifest.sealed.items()))
    )
    return f"{rows}; sealed: {sealed}"
