"""DIML: both layouts, class names without numbers, sessions kept together, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sfcmt.data.dataset import Dataset, read_part
from sfcmt.data.images import decode
from sfcmt.data.importer import import_dataset
from sfcmt.data.schema import Sealed, Split
from sfcmt.errors import DataError
from tests.data.trees import depth, diml_tree, encoded, rgb, save


def imported(root: Path, destination: Path, **options: str) -> Dataset:
    import_dataset(root, destination, "diml", options)
    return Dataset(destination)


def high_resolution_tree(folder: Path) -> Path:
    """Three classes, each of four sessions with three frames."""
    root = folder / "HR"
    for number, name in enumerate(("01_Warehouse", "02_Cafe", "12. Livingroom")):
        for session in range(4):
            for frame in range(3):
                seed, place = 100 * number + 10 * session + frame, root / name / f"session_{session}"
                save(place / "col" / f"in_{seed:06d}_c.png", encoded(rgb(seed)))
                save(place / "up_png" / f"in_{seed:06d}_ud.png", encoded(depth(seed)))
    return root


def test_the_six_most_frequent_classes_are_relevant(tmp_path: Path) -> None:
    dataset = imported(diml_tree(tmp_path), tmp_path / "out")
    assert dataset.classes == ("Bedroom", "Cafe", "Kitchen", "Library", "Store", "Warehouse")
    assert len(dataset.table(Split.PAIRS)) == 2  # the two images of Corridor
    assert len(dataset.table(Split.SOURCE)) == len(dataset.table(Split.TARGET)) == 12


def test_depth_is_paired_by_name_and_kept_to_the_millimetre(tmp_path: Path) -> None:
    dataset = imported(diml_tree(tmp_path), tmp_path / "out")
    for row in dataset.table(Split.PAIRS).to_pylist():
        seed = next(seed for seed in range(30) if np.array_equal(depth(seed), decode(row["target_image"], "x")[0]))
        np.testing.assert_array_equal(decode(row["source_image"], "x").transpose(1, 2, 0), rgb(seed))
    assert dataset.manifest.target.bits == 16


def test_high_resolution_sessions_stay_on_one_side(tmp_path: Path) -> None:
    dataset = imported(high_resolution_tree(tmp_path), tmp_path / "out", tr_classes="Livingroom,Cafe", resolution="HR")
    assert dataset.classes == ("Livingroom", "Cafe")
    source = dataset.table(Split.SOURCE)["group"].to_pylist()
    target = read_part(dataset.folder, dataset.manifest, Sealed.LABELS)["group"].to_pylist()
    assert len(set(source)) == len(set(target)) == 4
    assert len(source) == len(target) == 12
    assert not set(source) & set(target)


@pytest.mark.parametrize(("fraction", "source"), [("0.25", 6), ("0.75", 18)])
def test_source_fraction_holds_for_each_class(fraction: str, source: int, tmp_path: Path) -> None:
    dataset = imported(diml_tree(tmp_path), tmp_path / "out", source_fraction=fraction)
    counts = np.bincount(dataset.table(Split.SOURCE)["label"].to_numpy())
    assert counts.tolist() == [source // 6] * 6


def test_only_one_resolution_is_read(tmp_path: Path) -> None:
    root = diml_tree(tmp_path)
    scene = root / "train" / "HR" / "7. Corridor"
    save(scene / "color" / "in_9_c.png", encoded(rgb(9, (24, 32))))
    save(scene / "depth_filled" / "in_9_depth_filled.png", encoded(depth(9, (24, 32))))
    assert imported(root, tmp_path / "out").manifest.max_size == (12, 16)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("*_depth_filled.png", r"depth_filled/in_00_160126_\d+_depth_filled.png: missing, though its partner"),
        ("*_c.png", r"depth_filled/in_00_160126_\d+_depth_filled.png: its partner in the source modality is missing"),
    ],
)
def test_a_missing_partner_is_named(pattern: str, message: str, tmp_path: Path) -> None:
    root = diml_tree(tmp_path)
    sorted(root.rglob(pattern))[0].unlink()
    with pytest.raises(DataError, match=message):
        imported(root, tmp_path / "out")


def test_an_unknown_class_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no images of class 'Attic'; classes here: Bedroom, Cafe"):
        imported(diml_tree(tmp_path), tmp_path / "out", tr_classes="Attic,Cafe")


def test_all_classes_relevant_leaves_no_pairs(tmp_path: Path) -> None:
    names = "Bedroom,Cafe,Corridor,Kitchen,Library,Store,Warehouse"
    with pytest.raises(DataError, match=r"no rows for pairs.parquet"):
        imported(diml_tree(tmp_path), tmp_path / "out", tr_classes=names)


def test_a_class_of_one_session_is_source_whatever_the_fraction(tmp_path: Path) -> None:
    root = high_resolution_tree(tmp_path)
    place = root / "03_Hall" / "only"
    save(place / "col" / "in_1_c.png", encoded(rgb(1)))
    save(place / "up_png" / "in_1_ud.png", encoded(depth(1)))
    dataset = imported(root, tmp_path / "out", tr_classes="Hall,Cafe", resolution="HR", source_fraction="0.4")
    assert set(dataset.table(Split.SOURCE)["label"].to_pylist()) == {0, 1}
