"""Sealed parts are opened only if they are the target images' own, unchanged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Sealed, Split, file_name
from sfcmt.errors import DataError
from sfcmt.evaluation.labels import has_labels, has_real_source, open_labels, open_real_source
from sfcmt.testing.tiny import CLASSES, write_tiny
from tests.evaluation.resealed import column, reseal


@pytest.fixture
def folder(tiny_data: Path, tmp_path: Path) -> Path:
    """A copy of the tiny data set that a test may change."""
    return Path(shutil.copytree(tiny_data, tmp_path / "data"))


def test_labels_and_groups_stand_in_the_order_of_the_target_images(tiny_data: Path) -> None:
    origins = pq.read_table(tiny_data / file_name(Sealed.ORIGINS)).to_pylist()
    row_of = {row["id"]: int(row["origin"].removeprefix("target ")) for row in origins if "target " in row["origin"]}
    rows = [row_of[name] for name in Dataset(tiny_data).table(Split.TARGET)["id"].to_pylist()]
    found = open_labels(Dataset(tiny_data))
    assert rows != sorted(rows)
    assert found.labels_N.tolist() == [row % len(CLASSES) for row in rows]
    groups = found.groups.to_pylist()
    assert len(set(groups)) == 30
    assert all((groups[i] == groups[j]) == (rows[i] % 30 == rows[j] % 30) for i in range(60) for j in range(60))


def test_without_sealed_parts_there_is_nothing_to_judge_by(tmp_path: Path) -> None:
    dataset = Dataset(write_tiny(tmp_path / "bare", rows=12, labelled=False))
    assert not has_labels(dataset)
    assert not has_real_source(dataset)
    with pytest.raises(DataError, match=r"has no sealed/target_labels\.parquet"):
        open_labels(dataset)


def test_a_removed_file_is_as_good_as_none(folder: Path) -> None:
    assert has_labels(Dataset(folder))
    assert has_real_source(Dataset(folder))
    shutil.rmtree(folder / "sealed")
    assert not has_labels(Dataset(folder))
    assert not has_real_source(Dataset(folder))


def test_a_changed_file_is_refused(folder: Path) -> None:
    path = folder / file_name(Sealed.LABELS)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(DataError, match=r"target_labels\.parquet: changed since the import"):
        open_labels(Dataset(folder))


@pytest.mark.parametrize("part", [Sealed.LABELS, Sealed.REAL_SOURCE])
def test_rows_of_other_images_are_refused(folder: Path, part: Sealed) -> None:
    reseal(folder, part, id=column(folder, part, "id")[::-1])
    opening = open_labels if part is Sealed.LABELS else open_real_source
    with pytest.raises(DataError, match=rf"{part}\.parquet: its rows are not those of the target images"):
        opening(Dataset(folder))
