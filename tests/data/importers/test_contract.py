"""What every importer must do, whatever its layout. A new importer needs an entry in `TREES`."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from sfcmt.data.dataset import Dataset, read_part
from sfcmt.data.importer import IMPORTERS, import_dataset
from sfcmt.data.schema import Sealed, Split
from sfcmt.errors import ConfigError, DataError
from tests.data.trees import TREES

every_importer = pytest.mark.parametrize("name", sorted(TREES))


def imported(name: str, folder: Path) -> Dataset:
    import_dataset(TREES[name].build(folder), folder / "out" / "data", name, {})
    return Dataset(folder / "out" / "data")


def test_no_importer_is_left_out() -> None:
    assert set(TREES) == set(IMPORTERS)


@every_importer
def test_each_option_is_described(name: str) -> None:
    fields = IMPORTERS[name].options.model_fields
    assert [field for field, info in fields.items() if not info.description] == []


@every_importer
def test_only_its_own_importer_recognises_a_layout(name: str, tmp_path: Path) -> None:
    root = TREES[name].build(tmp_path)
    assert [other for other, importer in IMPORTERS.items() if importer().recognises(root)] == [name]


@every_importer
def test_every_split_opens_and_has_rows(name: str, tmp_path: Path) -> None:
    dataset = imported(name, tmp_path)
    for split in Split:
        assert len(dataset.table(split)) == dataset.manifest.entry(split).rows > 0
    assert set(dataset.table(Split.SOURCE)["label"].to_pylist()) == set(range(len(dataset.classes)))


@every_importer
def test_target_labels_lie_in_a_file_of_their_own(name: str, tmp_path: Path) -> None:
    dataset = imported(name, tmp_path)
    assert dataset.table(Split.TARGET).column_names == ["id", "image"]
    labels = read_part(dataset.folder, dataset.manifest, Sealed.LABELS)
    assert labels["id"].to_pylist() == dataset.table(Split.TARGET)["id"].to_pylist()


@every_importer
def test_target_order_does_not_follow_the_labels(name: str, tmp_path: Path) -> None:
    dataset = imported(name, tmp_path)
    labels = read_part(dataset.folder, dataset.manifest, Sealed.LABELS)["label"].to_pylist()
    assert len(set(labels)) > 1
    # Sorted by class there would be one fewer change than classes.
    changes = sum(first != second for first, second in pairwise(labels))
    assert changes > len(set(labels)) - 1


@every_importer
def test_source_and_target_share_no_group(name: str, tmp_path: Path) -> None:
    dataset = imported(name, tmp_path)
    source = set(dataset.table(Split.SOURCE)["group"].to_pylist())
    pairs = set(dataset.table(Split.PAIRS)["group"].to_pylist())
    target = set(read_part(dataset.folder, dataset.manifest, Sealed.LABELS)["group"].to_pylist())
    assert not source & target
    assert not pairs & target


@every_importer
def test_a_corrupt_image_leaves_nothing_behind(name: str, tmp_path: Path) -> None:
    root = TREES[name].build(tmp_path)
    TREES[name].damage(root)
    with pytest.raises(DataError, match="not a readable image"):
        import_dataset(root, tmp_path / "out" / "data", name, {})
    assert list((tmp_path / "out").iterdir()) == []


@every_importer
def test_importing_twice_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    first, second = (imported(name, tmp_path / place).folder for place in ("a", "b"))
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert len(files) >= 6
    assert sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file()) == files
    for file in files:
        assert (first / file).read_bytes() == (second / file).read_bytes(), file


@every_importer
def test_an_existing_destination_is_refused_and_kept(name: str, tmp_path: Path) -> None:
    kept = tmp_path / "out" / "data" / "kept.txt"
    kept.parent.mkdir(parents=True)
    kept.write_text("mine")
    with pytest.raises(DataError, match="exists already"):
        imported(name, tmp_path)
    assert kept.read_text() == "mine"


@every_importer
def test_an_unknown_option_is_a_config_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"{name}.colour: 'red' is not allowed"):
        import_dataset(TREES[name].build(tmp_path), tmp_path / "out", name, {"colour": "red"})
