"""Batches: which rows are trained on, how often, and how pairs are kept together."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sfcmt.config import DataConfig, Training
from sfcmt.data.batches import Column, SourceData, UnlabelledData, shuffled, step_count
from sfcmt.data.dataset import Dataset
from sfcmt.data.loading import ImageReader, StreamedImages
from sfcmt.data.schema import Split
from sfcmt.errors import DataError
from sfcmt.models.normalise import Normalise
from sfcmt.testing.tiny import SIZE, write_tiny


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def reader_of(folder: Path, cache: Path, memory_gb: float = 8.0) -> ImageReader:
    return ImageReader(Dataset(folder), SIZE, memory_gb, cache, torch.device("cpu"))


def unlabelled(folder: Path, cache: Path, holdout: float = 0.15, memory_gb: float = 8.0) -> UnlabelledData:
    dataset, reader = Dataset(folder), reader_of(folder, cache, memory_gb)
    to_source = Normalise(dataset.manifest.source.normalisation)
    return UnlabelledData(dataset, DataConfig(holdout=holdout), reader, to_source)


def groups(folder: Path, split: Split, rows: Tensor) -> set[str]:
    found = Dataset(folder).table(split)["group"].to_pylist()
    return {found[row] for row in rows.tolist()}


@pytest.mark.parametrize(("rows", "batch", "steps"), [(60, 16, 3), (64, 16, 4), (5, 16, 1), (16, 16, 1)])
def test_an_epoch_has_full_batches_only_and_at_least_one(rows: int, batch: int, steps: int) -> None:
    assert step_count(rows, batch) == steps


@pytest.mark.parametrize("batch", [16, 60, 64])
def test_every_target_row_comes_at_most_once_an_epoch(tiny_data: Path, tmp_path: Path, batch: int) -> None:
    data = unlabelled(tiny_data, tmp_path)
    batches = list(data.epoch(Training(batch=batch), generator()))
    rows = torch.cat([one.target_B for one in batches]).tolist()
    assert len(batches) == data.steps(Training(batch=batch))
    assert len(set(rows)) == len(rows) == min(60, len(batches) * batch)
    assert set(rows) <= set(range(60))
    assert rows != sorted(rows)


def test_held_out_pairs_are_never_trained_on_and_share_no_frame_with_the_rest(tiny_data: Path, tmp_path: Path) -> None:
    data = unlabelled(tiny_data, tmp_path)
    seen = torch.cat([one.pair_B for seed in range(5) for one in data.epoch(Training(batch=16), generator(seed))])
    assert len(data.held_pair_rows) > 0
    assert set(seen.tolist()) == set(data.pair_rows.tolist())
    assert sorted([*data.pair_rows.tolist(), *data.held_pair_rows.tolist()]) == list(range(60))
    assert not groups(tiny_data, Split.PAIRS, seen) & groups(tiny_data, Split.PAIRS, data.held_pair_rows)


def test_held_out_source_rows_are_never_trained_on(tiny_data: Path, tmp_path: Path) -> None:
    data = SourceData(Dataset(tiny_data), DataConfig(), reader_of(tiny_data, tmp_path))
    labels = Dataset(tiny_data).table(Split.SOURCE)["label"].to_pylist()
    batches = list(data.epoch(Training(batch=8, crop=1.0, flip=False), generator()))
    known = data.column.clean(data.train_rows)
    for one in batches:
        for x, label in zip(one.x_B3HW, one.label_B.tolist(), strict=True):
            distance = (known - x).abs().amax(dim=(1, 2, 3))
            assert distance.min() < 1e-3
            assert labels[int(data.train_rows[distance.argmin()])] == label
    assert not groups(tiny_data, Split.SOURCE, data.train_rows) & groups(tiny_data, Split.SOURCE, data.held_rows)
    assert len(data.held_rows) > 0


@pytest.mark.parametrize("holdout", [0.001, 0.999])
@pytest.mark.parametrize("count", [2, 3, 30])
def test_any_holdout_leaves_something_on_both_sides(tmp_path: Path, holdout: float, count: int) -> None:
    folder = write_tiny(tmp_path / "data", rows=60, groups=count)
    data = unlabelled(folder, tmp_path, holdout)
    assert len(data.pair_rows) > 0
    assert len(data.held_pair_rows) > 0


def test_pairs_of_a_single_frame_cannot_be_held_out(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", rows=9, groups=1)
    with pytest.raises(DataError, match="one group"):
        unlabelled(folder, tmp_path)


def test_fewer_pairs_than_target_images_are_passed_over_again(tiny_data: Path, tmp_path: Path) -> None:
    data = unlabelled(tiny_data, tmp_path, holdout=0.9)
    assert len(data.pair_rows) < 16
    batches = list(data.epoch(Training(batch=16), generator()))
    assert [len(one.pair_B) for one in batches] == [len(data.pair_rows)] * 3
    assert all(sorted(one.pair_B.tolist()) == data.pair_rows.tolist() for one in batches)


def test_rows_are_reshuffled_at_each_pass() -> None:
    batches = shuffled(torch.arange(10, 16), batch=4, steps=5, generator=generator())
    assert [len(one) for one in batches] == [4] * 5
    order = torch.cat(batches).tolist()
    assert sorted(order[:6]) == sorted(order[6:12]) == sorted(order[12:18]) == list(range(10, 16))
    assert order[:6] != order[6:12]


def test_the_order_of_rows_never_changes() -> None:
    batches = shuffled(torch.arange(7), batch=3, steps=4, generator=generator())
    assert [one.tolist() for one in batches] == [[4, 0, 5], [3, 2, 6], [1, 6, 2], [4, 0, 3]]


def test_the_next_batches_are_loaded_while_one_is_learnt_from(tiny_data: Path, tmp_path: Path) -> None:
    dataset, reader = Dataset(tiny_data), reader_of(tiny_data, tmp_path, memory_gb=1e-9)
    source, other = (SourceData(dataset, DataConfig(), reader) for _ in range(2))
    training = Training(batch=8)
    left = [[*pending(source.column)] for _ in source.epoch(training, generator())]
    plan = shuffled(other.train_rows, 8, other.steps(training), generator())
    assert left == [[tuple(rows.tolist()) for rows in plan[place : place + 2]] for place in range(1, len(plan) + 1)]
    plan = [torch.arange(start, start + 5) for start in range(0, 20, 5)]
    for place, x_BCHW in enumerate(source.column.each(plan), start=1):
        assert torch.equal(x_BCHW, other.column.clean(plan[place - 1]))
        assert [*pending(source.column)] == [tuple(rows.tolist()) for rows in plan[place : place + 2]]


def pending(column: Column) -> dict[tuple[int, ...], Any]:
    assert isinstance(column.images, StreamedImages)
    return column.images._pending


def test_both_sides_of_a_pair_are_cropped_and_mirrored_together(tiny_data: Path, tmp_path: Path) -> None:
    data = unlabelled(tiny_data, tmp_path)
    one = next(iter(data.epoch(Training(batch=16, crop=0.5), generator())))
    assert one.pair_target.shape == (16, 1, SIZE, SIZE)
    for source, target in zip(one.pair_source, one.pair_target, strict=True):
        # the tiny target modality is the negative of the source's
        assert torch.corrcoef(torch.stack([source[0].flatten(), target[0].flatten()]))[0, 1] < -0.99


def test_a_seed_gives_the_same_epoch(tiny_data: Path, tmp_path: Path) -> None:
    data = unlabelled(tiny_data, tmp_path)
    first, same, other = (list(data.epoch(Training(batch=16), generator(seed))) for seed in (0, 0, 1))
    assert all(torch.equal(a.target, b.target) for a, b in zip(first, same, strict=True))
    assert not torch.equal(first[0].target_B, other[0].target_B)


@pytest.mark.parametrize("holdout", [0.15, 0.7])
def test_streamed_epochs_are_those_of_decoded_images_and_keep_nothing(
    tiny_data: Path, tmp_path: Path, holdout: float
) -> None:
    folder = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    decoded = unlabelled(folder, tmp_path, holdout)
    streamed = unlabelled(folder, tmp_path, holdout, memory_gb=1e-9)
    streamed.pair_source.clean(torch.arange(60))  # looked at once, then no more, as by a teacher of plain images
    training = Training(batch=16)
    for a, b in zip(decoded.epoch(training, generator()), streamed.epoch(training, generator()), strict=True):
        assert torch.equal(a.target, b.target)
        assert torch.equal(a.pair_target, b.pair_target)
    for column in (streamed.target, streamed.pair_target, streamed.pair_source):
        assert isinstance(column.images, StreamedImages)
        assert not column.images._pending
