"""Logits of other people's models: read by id and class, and refused with all that is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.errors import DataError
from sfcmt.logits_file import read_logits
from sfcmt.validators import POOL_VALIDATORS, scores_of


@pytest.fixture
def columns(tiny_data: Path) -> dict[str, Any]:
    dataset = Dataset(tiny_data)
    ids = dataset.columns(Split.TARGET, "id")["id"].to_pylist()
    generator = np.random.default_rng(0)
    return {"id": ids, **{name: generator.normal(size=len(ids)) for name in dataset.classes}}


def written(folder: Path, columns: dict[str, Any]) -> Path:
    file = folder / "theirs.parquet"
    pq.write_table(pa.table(columns), file)
    return file


def test_rows_are_matched_by_id_and_columns_by_class(tiny_data: Path, tmp_path: Path, columns: dict[str, Any]) -> None:
    dataset, order = Dataset(tiny_data), np.random.default_rng(1).permutation(len(columns["id"]))
    shuffled = {name: np.array(values)[order] for name, values in reversed(columns.items())}
    outputs = read_logits(written(tmp_path, shuffled), dataset)
    expected = np.stack([columns[name] for name in dataset.classes], axis=1).astype(np.float32)
    np.testing.assert_array_equal(outputs.target_logits.numpy(), expected)
    assert not outputs.has_pairs
    assert np.isfinite([*scores_of(outputs).values()]).all()
    assert all(len(validator([outputs, outputs])) == 2 for validator in POOL_VALIDATORS.values())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c, k: c.pop(k), "missing columns: {k}"),
        (lambda c, k: c.pop("id"), "missing columns: id"),
        (lambda c, k: c.update(other=c[k]), "columns that are no class of the task: other"),
        (lambda c, k: c.update({k: ["a"] * len(c[k])}), "columns that are not of numbers: {k}"),
        (lambda c, k: c.update(id=[c["id"][1], *c["id"][1:]]), "1 rows are there twice: target-0000001"),
        (lambda c, k: c.update(id=["x", *c["id"][1:]]), "1 rows of the target images are missing: target-0000000"),
        (lambda c, k: c.update(id=["x", *c["id"][1:]]), "1 rows are of no target image: x"),
        (lambda c, k: c[k].__setitem__(3, np.nan), "1 rows have values that are no finite numbers"),
    ],
)
def test_what_is_wrong_is_told(
    tiny_data: Path, tmp_path: Path, columns: dict[str, Any], change: Any, told: str
) -> None:
    dataset = Dataset(tiny_data)
    change(columns, dataset.classes[0])
    file = written(tmp_path, columns)
    with pytest.raises(DataError) as caught:
        read_logits(file, dataset)
    assert f"{file}: {told.format(k=dataset.classes[0])}" in str(caught.value).splitlines()


def test_probabilities_are_not_taken_for_logits(tiny_data: Path, tmp_path: Path, columns: dict[str, Any]) -> None:
    dataset = Dataset(tiny_data)
    columns |= dict.fromkeys(dataset.classes, np.full(len(columns["id"]), 1 / len(dataset.classes)))
    with pytest.raises(DataError, match="these are probabilities; give logits"):
        read_logits(written(tmp_path, columns), dataset)


def test_a_file_of_another_kind_is_one_line(tiny_data: Path, tmp_path: Path) -> None:
    (tmp_path / "theirs.parquet").write_bytes(b"none")
    for file in (tmp_path / "theirs.parquet", tmp_path / "absent.parquet"):
        with pytest.raises(DataError, match="no Parquet file that can be read"):
            read_logits(file, Dataset(tiny_data))
