"""Crops: what is blanked, what is sealed, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sfcmt.data.dataset import Dataset, read_part
from sfcmt.data.importer import import_dataset
from sfcmt.data.schema import Sealed, Split
from sfcmt.errors import DataError
from tests.data.trees import crop_rows, encoded, grey, rgb, write_crops

REAL_DATA = Path(__file__).parents[4] / "shared" / "data"
Rows = list[dict[str, Any]]


def imported(folder: Path, rows: Rows, name: str = "crops") -> Dataset:
    import_dataset(write_crops(folder / f"{name}.parquet", rows), folder / "out", "crops", {})
    return Dataset(folder / "out")


def test_images_are_stored_as_they_were(tmp_path: Path) -> None:
    rows = crop_rows()
    dataset = imported(tmp_path, rows)
    assert dataset.classes == ("bed", "chair")
    assert dataset.table(Split.SOURCE)["image"].to_pylist() == [r["rgb"] for r in rows if r["split"] == "source"]
    pairs = dataset.table(Split.PAIRS)
    assert pairs["source_image"].to_pylist() == [r["rgb"] for r in rows if r["split"] == "ti"]
    assert pairs["target_image"].to_pylist() == [r["target"] for r in rows if r["split"] == "ti"]


def test_target_rows_keep_their_label_and_rgb_in_sealed_files_only(tmp_path: Path) -> None:
    rows = {row["target"]: row for row in crop_rows() if row["split"] == "target_tr"}
    dataset = imported(tmp_path, crop_rows())
    target = dataset.table(Split.TARGET).to_pylist()
    labels = read_part(dataset.folder, dataset.manifest, Sealed.LABELS)["label"].to_pylist()
    real = read_part(dataset.folder, dataset.manifest, Sealed.REAL_SOURCE)["image"].to_pylist()
    assert {row["image"] for row in target} == set(rows)
    assert labels == [rows[row["image"]]["label"] for row in target]
    assert real == [rows[row["image"]]["rgb"] for row in target]


def test_blanked_images_and_pair_classes_are_nowhere_in_the_open_files(tmp_path: Path) -> None:
    rows = crop_rows()
    folder = imported(tmp_path, rows).folder
    cells: set[Any] = set()
    for split in Split:
        for column in pq.read_table(folder / f"{split}.parquet").itercolumns():
            cells.update(column.to_pylist())
    assert not cells & {row["target"] for row in rows if row["split"] == "source"}
    assert not cells & {row["rgb"] for row in rows if row["split"] == "target_tr"}
    assert not any("lamp" in cell for cell in cells if isinstance(cell, str))
    assert "lamp" not in (folder / "manifest.json").read_text()


def test_target_labels_may_be_unknown(tmp_path: Path) -> None:
    rows = [row | ({"label": None, "rgb": None} if row["split"] == "target_tr" else {}) for row in crop_rows()]
    assert set(imported(tmp_path, rows).manifest.sealed) == {Sealed.ORIGINS}


@pytest.mark.parametrize(("name", "modality"), [("epfl_rgbnir", "nir"), ("nyu_rgbd", "depth")])
def test_the_target_modality_is_guessed_from_the_name(name: str, modality: str, tmp_path: Path) -> None:
    assert imported(tmp_path, crop_rows(), name).manifest.target.name == modality


def _set(place: int, **values: bytes | str | int | None) -> Callable[[Rows], None]:
    return lambda rows: rows[place].update(values)


# Rows 0-5 and 6-11 are source, 12-17 and 18-23 target_tr, 24-29 ti.
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set(3, label=None), r"crops.parquet row 3: a source row needs a whole label"),
        (_set(3, class_name="sofa"), r"row 3: label 0 is 'sofa' here but 'bed' above"),
        (_set(3, rgb=None), r"row 3 \(bed/3\): no image in column rgb"),
        (_set(13, target=None), r"row 13 \(bed/1\): no image in column target"),
        (_set(13, label=1), r"row 13 \(bed/1\): label 1 is not 'bed'; classes: bed, chair"),
        (_set(13, label=7, class_name=None), r"row 13 \(bed/1\): label 7 is outside the 2 classes"),
        (_set(13, label=None), r"11 of 12 target rows have a target_labels; all or none"),
        (_set(13, split="test"), r"row 13: split: Input should be 'source', 'target_tr' or 'ti'"),
        (_set(13, group=None), r"row 13: group: Input should be a valid string"),
        (
            _set(25, target=encoded(grey(0, (8, 8)))),
            r"row 25 \(lamp/1\): the pair's sizes differ: \(12, 16\) and \(8, 8\)",
        ),
        (
            _set(25, target=encoded(rgb(0))),
            r"row 25 \(lamp/1\) \(target\): a coloured image, where 17 of 18 target images have a single",
        ),
        (lambda rows: rows.__delitem__(slice(24, 30)), r"no rows for pairs.parquet"),
        (lambda rows: rows.__delitem__(slice(12, 24)), r"no rows for target.parquet"),
        (lambda rows: rows.__delitem__(slice(0, 6)), r"labels of source rows must be 0 to 0 without gaps, not \[1\]"),
    ],
)
def test_wrong_rows_are_refused(change: Callable[[Rows], None], message: str, tmp_path: Path) -> None:
    rows = crop_rows()
    change(rows)
    with pytest.raises(DataError, match=message):
        imported(tmp_path, rows)
    assert not (tmp_path / "out").exists()


def test_missing_columns_are_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"rgb": [b""], "split": ["ti"]}), tmp_path / "few.parquet")
    with pytest.raises(DataError, match="lacks the columns target, label, class_name, group, orig"):
        import_dataset(tmp_path / "few.parquet", tmp_path / "out", "crops", {})


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("hello")
    with pytest.raises(DataError, match=r"text.parquet: not a readable Parquet file"):
        import_dataset(tmp_path / "text.parquet", tmp_path / "out", "crops", {})


@pytest.mark.realdata
@pytest.mark.skipif(not REAL_DATA.is_dir(), reason=f"no real data at {REAL_DATA}")
@pytest.mark.parametrize(
    ("name", "modality", "classes", "rows"),
    [("nyu_rgbd", "depth", 6, (967, 958, 1290)), ("epfl_rgbnir", "nir", 8, (732, 713, 723))],
)
def test_real_files(name: str, modality: str, classes: int, rows: tuple[int, int, int], tmp_path: Path) -> None:
    import_dataset(REAL_DATA / f"{name}.parquet", tmp_path / "out", None, {})
    dataset = Dataset(tmp_path / "out")
    manifest = dataset.manifest
    assert tuple(manifest.entry(split).rows for split in (Split.SOURCE, Split.PAIRS, Split.TARGET)) == rows
    assert len(dataset.classes) == classes
    assert (manifest.target.name, manifest.target.bits, manifest.max_size) == (modality, 8, (96, 96))
    given = pq.read_table(REAL_DATA / f"{name}.parquet", columns=["split", "target", "label"]).to_pylist()
    expected = {row["target"]: row["label"] for row in given if row["split"] == "target_tr"}
    labels = read_part(dataset.folder, manifest, Sealed.LABELS)["label"].to_pylist()
    assert labels == [expected[image] for image in dataset.table(Split.TARGET)["image"].to_pylist()]
