"""The embedded data set on disk: RGB source rows, paired rows of other solids, and depth target rows."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from sfcmt.cores import own_cores
from sfcmt.data.schema import Split
from sfcmt.data.synthetic.render import render
from sfcmt.data.synthetic.scenes import SOLIDS, draw_scene, stack
from sfcmt.data.synthetic.solids import TI, TR
from sfcmt.data.writer import DatasetInfo, DatasetWriter

RENDERER_VERSION = 1
"""Raised by hand whenever the renderer makes other images of the same spec."""
_PIXELS_AT_ONCE = 64 * 48**2  # bounds the memory: some 300 MB a thread


class SyntheticSpec(BaseModel):
    """What to render: `size` x `size` pixels, and so many rows of each part. Every spec has one result."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    seed: int = Field(default=0, ge=0)
    size: int = Field(default=48, ge=8, le=512)
    source: int = Field(default=1200, ge=1)
    pairs: int = Field(default=600, ge=1)
    target: int = Field(default=600, ge=1)


class _Row(NamedTuple):
    solid: int  # of a TR solid also its label: they come first among all solids
    origin: str
    rgb_CHW: NDArray[np.uint8]
    depth_1HW: NDArray[np.uint16]


def write_synthetic(folder: Path, spec: SyntheticSpec) -> None:
    """Render the data set of `spec` to `folder`, which must not exist yet. The depth is in mm.

    Classes follow each other in turn, so their numbers differ by one row at most; no two rows share a scene. Raises
    `DataError`.
    """
    info = DatasetInfo(
        name="synthetic",
        source_modality="rgb",
        target_modality="depth",
        classes=[solid.name for solid in TR],
        provenance={"importer": "synthetic", **spec.model_dump()},
    )
    with DatasetWriter(folder, info, seed=spec.seed) as writer:
        for row in _rows(spec, Split.SOURCE, spec.source):
            writer.add_source(row.rgb_CHW, row.solid, group=row.origin, origin=row.origin)
        for row in _rows(spec, Split.PAIRS, spec.pairs):
            writer.add_pair(row.rgb_CHW, row.depth_1HW, group=row.origin, origin=row.origin)
        for row in _rows(spec, Split.TARGET, spec.target):
            writer.add_target(row.depth_1HW, row.origin, row.origin, label=row.solid, real_source=row.rgb_CHW)


def _rows(spec: SyntheticSpec, split: Split, count: int) -> Iterator[_Row]:
    """Rows of a split in order, rendered a batch a thread."""
    scenes = max(1, _PIXELS_AT_ONCE // spec.size**2)
    batches = [range(first, min(first + scenes, count)) for first in range(0, count, scenes)]
    with ThreadPoolExecutor(own_cores()) as pool:
        for rows in pool.map(partial(_render_rows, spec, split), batches):
            yield from rows


def _render_rows(spec: SyntheticSpec, split: Split, indices: range) -> list[_Row]:
    choice = TI if split is Split.PAIRS else TR
    solids = [SOLIDS.index(choice[i % len(choice)]) for i in indices]
    keys = [(spec.seed, list(Split).index(split), i) for i in indices]
    rgb, depth = render(stack(map(draw_scene, solids, keys)), spec.size)
    origins = [f"{split}/{i}-{SOLIDS[solid].name}" for i, solid in zip(indices, solids, strict=True)]
    return list(map(_Row, solids, origins, rgb, depth[:, None]))
