"""What the stages train on: batches of normalised, augmented images, and the plain images for evaluation.

Rows are those of the global batch, which all workers draw alike; images are of this worker's share of them only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sfcmt.config import DataConfig, Training
from sfcmt.data.augment import apply_views, random_views
from sfcmt.data.dataset import Dataset, holdout_mask
from sfcmt.data.holdout import stratified_holdout
from sfcmt.data.loading import ImageReader, Images, chosen, looked_ahead
from sfcmt.data.schema import Split
from sfcmt.data.target_holdout import held_out
from sfcmt.devices import sent
from sfcmt.distributed import share
from sfcmt.errors import DataError
from sfcmt.models.normalise import Normalise
from sfcmt.precision import in_float32

_MIN_ROWS = 2
"""Fewest rows to train on: batch norm has no statistics of one image."""


class Column:
    """Images of one modality: rows in, normalised float32 images (B, C, size, size) on the device out."""

    def __init__(self, images: Images, normalise: nn.Module, device: torch.device) -> None:
        """`normalise` maps stored pixels to normalised images."""
        self.images, self.device = images, device
        self.normalise = normalise.to(device)

    def __len__(self) -> int:
        return len(self.images)

    def clean(self, index_B: Tensor) -> Tensor:
        """The images as they are."""
        pixels = sent(self.images.batch(index_B), self.device)
        with in_float32(self.device):  # a loss that asks for images does so within the forward pass
            normal: Tensor = self.normalise(pixels)
        return normal.contiguous(memory_format=torch.channels_last)

    def augmented(self, index_B: Tensor, views_B23: Tensor) -> Tensor:
        """This worker's share of a global batch, under random views: the only way to images to train on."""
        plain = self.clean(share(index_B))
        with in_float32(self.device):
            return apply_views(plain, sent(share(views_B23), self.device)).contiguous(memory_format=torch.channels_last)

    def each(self, plan: Sequence[Tensor]) -> Iterator[Tensor]:
        """The images of each batch of a plan as they are; the next ones are loaded meanwhile."""
        for index_B, upcoming in looked_ahead(plan):
            x_BCHW = self.clean(index_B)
            for later_B in upcoming:
                self.images.prefetch(later_B)
            yield x_BCHW

    def prefetch(self, index_B: Tensor) -> None:
        """A hint that this global batch comes soon."""
        self.images.prefetch(share(index_B))


class SourceBatch(NamedTuple):
    """Augmented TR source images (B, 3, H, W), this worker's share, and the labels (B,) of all."""

    x_B3HW: Tensor
    label_B: Tensor


class SourceData:
    """TR source: the only place where its images are read."""

    def __init__(self, dataset: Dataset, config: DataConfig, reader: ImageReader) -> None:
        table = dataset.columns(Split.SOURCE, "group", "label")
        self._labels_N = torch.tensor(table["label"].to_pylist())
        groups = table["group"].to_pylist()
        held = torch.from_numpy(stratified_holdout(groups, self._labels_N.numpy(), config.holdout))
        self.train_rows, self.held_rows = (~held).nonzero().flatten(), held.nonzero().flatten()
        _refuse_one(self.train_rows, f"{dataset.folder}: source images to train on")
        normalise = Normalise(dataset.manifest.source.normalisation)
        self.column = Column(reader.images(Split.SOURCE, "image"), normalise, reader.device)

    def steps(self, training: Training) -> int:
        """Steps of one epoch."""
        return step_count(len(self.train_rows), training.batch)

    def epoch(self, training: Training, generator: torch.Generator) -> Iterator[SourceBatch]:
        """One pass over the training rows in random order."""
        plan = shuffled(self.train_rows, training.batch, self.steps(training), generator)
        for rows, upcoming in looked_ahead(plan):
            views = random_views(len(rows), training.crop, training.flip, generator)
            x_B3HW = self.column.augmented(rows, views)
            for later_B in upcoming:
                self.column.prefetch(later_B)
            yield SourceBatch(x_B3HW, self.labels(rows))

    def labels(self, rows: Tensor) -> Tensor:
        """Labels of rows, on the device."""
        return sent(self._labels_N[rows], self.column.device)


class Rows(NamedTuple):
    """Rows of one step."""

    target_B: Tensor
    pair_B: Tensor


class UnlabelledBatch:
    """TR target images and TI pairs of one step. Each is loaded when a loss asks for it, and only then.

    `target_B` and `pair_B` are the rows of all workers, on the device; the images are this worker's share of them. A
    column that is loaded begins to load its rows of the next steps, `upcoming`.
    """

    def __init__(
        self, data: UnlabelledData, rows: Rows, views: tuple[Tensor, Tensor], upcoming: Sequence[Rows]
    ) -> None:
        self._data, self._rows, self._upcoming = data, rows, upcoming
        self.target_B, self.pair_B = (sent(side, data.target.device) for side in rows)
        self._target_views, self._pair_views = views

    @cached_property
    def target(self) -> Tensor:
        """TR target images (B, C, H, W), augmented."""
        x_BCHW = self._data.target.augmented(self._rows.target_B, self._target_views)
        for rows in self._upcoming:
            self._data.target.prefetch(rows.target_B)
        return x_BCHW

    @cached_property
    def pair_target(self) -> Tensor:
        """Target side of TI pairs (B, C, H, W), augmented."""
        return self._pair_side(self._data.pair_target)

    @cached_property
    def pair_source(self) -> Tensor:
        """Source side of the same pairs (B, 3, H, W) under the same crops and flips."""
        return self._pair_side(self._data.pair_source)

    def _pair_side(self, column: Column) -> Tensor:
        x_BCHW = column.augmented(self._rows.pair_B, self._pair_views)
        for rows in self._upcoming:
            column.prefetch(rows.pair_B)
        return x_BCHW


class UnlabelledData:
    """TR target images and TI pairs, if there are any: all that bridging and transfer ever see.

    `target` has the images to learn from, and rows of a batch are places in it: `target_rows` are theirs in the data
    set's file. Those of frames that are held out are in `held_target`, for a model's answers alone.
    """

    def __init__(
        self,
        dataset: Dataset,
        config: DataConfig,
        reader: ImageReader,
        to_source: nn.Module,
        to_target: nn.Module | None = None,
    ) -> None:
        """`to_source` makes the source side of pairs what the source model takes, `to_target` maps target pixels.

        By default, target images are normalised by their own statistics.
        """
        manifest = dataset.manifest
        self.pair_rows, self.held_pair_rows = pair_rows(dataset, config.holdout)
        to_target = to_target or Normalise(manifest.target.normalisation, manifest.holes)
        self.target_rows, self.held_target_rows = target_rows(dataset, config.target_holdout)
        images = reader.images(Split.TARGET, "image")
        self.target, self.held_target = (
            Column(chosen(images, rows), to_target, reader.device) for rows in (self.target_rows, self.held_target_rows)
        )
        self.pair_target = Column(reader.images(Split.PAIRS, "target_image"), to_target, reader.device)
        self.pair_source = Column(reader.images(Split.PAIRS, "source_image"), to_source, reader.device)

    @property
    def has_pairs(self) -> bool:
        """Whether there are TI pairs."""
        return len(self.pair_rows) > 0

    def steps(self, training: Training) -> int:
        """Steps of one epoch: one pass over the TR target images."""
        return step_count(len(self.target), training.batch)

    def epoch(self, training: Training, generator: torch.Generator) -> Iterator[UnlabelledBatch]:
        """One pass over the TR target images in random order, with as many TI pairs beside them."""
        steps = self.steps(training)
        targets = shuffled(torch.arange(len(self.target)), training.batch, steps, generator)
        pairs = shuffled(self.pair_rows, training.batch, steps, generator)
        plan = [Rows(target_B, pair_B) for target_B, pair_B in zip(targets, pairs, strict=True)]
        for rows, upcoming in looked_ahead(plan):
            views = [random_views(len(side), training.crop, training.flip, generator) for side in rows]
            yield UnlabelledBatch(self, rows, (views[0], views[1]), upcoming)


def target_rows(dataset: Dataset, holdout: float) -> tuple[Tensor, Tensor]:
    """Rows of target images to learn from, and held-out ones. Raises `DataError` where there are too few."""
    held = torch.from_numpy(held_out(dataset, holdout))
    rows = (~held).nonzero().flatten()
    if holdout:
        _refuse_one(rows, f"{dataset.folder}: target images to adapt to")
    return rows, held.nonzero().flatten()


def pair_rows(dataset: Dataset, holdout: float) -> tuple[Tensor, Tensor]:
    """Rows to train on, and held-out ones. Raises `DataError` where there are pairs, but too few."""
    if not dataset.has_pairs:
        nothing = torch.empty(0, dtype=torch.int64)
        return nothing, nothing
    held = torch.from_numpy(holdout_mask(dataset.columns(Split.PAIRS, "group")["group"], holdout))
    if not held.any():
        raise DataError(f"{dataset.folder}: all pairs are of one group (frame), so none can be held out")
    rows = (~held).nonzero().flatten()
    _refuse_one(rows, f"{dataset.folder}: pairs to train on")
    return rows, held.nonzero().flatten()


def _refuse_one(rows: Tensor, what: str) -> None:
    if len(rows) < _MIN_ROWS:
        raise DataError(f"{what}: {len(rows)}; at least {_MIN_ROWS} are needed besides those that are held out")


def step_count(rows: int, batch: int) -> int:
    """Full batches in `rows`, at least one."""
    return max(1, rows // batch)


def shuffled(rows: Tensor, batch: int, steps: int, generator: torch.Generator) -> list[Tensor]:
    """`steps` batches in random order, reshuffled at each pass; smaller ones if there are fewer rows than `batch`."""
    if not len(rows):
        return [rows] * steps
    size = min(batch, len(rows))
    passes = -(-steps * size // len(rows))
    order = torch.cat([rows[torch.randperm(len(rows), generator=generator)] for _ in range(passes)])
    return list(torch.split(order[: steps * size], size))
