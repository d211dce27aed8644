"""What holds for every importer, whatever its layout."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from sfcmt.data.dataset import Dataset, read_part
from sfcmt.data.importer import IMPORTERS, import_dataset
from sfcmt.data.schema import Sealed, Split
from sfcmt.errors import ConfigError, DataError

Build = Callable[[Path], Path]
"""Writes a small tree of the layout below a folder; what to import of it. The same tree every time."""


class ImporterContract:
    """Tests of an importer of labelled target images; a subclass has the fixtures `importer`, `build` and `damage`."""

    @pytest.fixture
    def importer(self) -> str:
        """The name of the importer that is tested."""
        raise NotImplementedError("give the subclass a fixture `importer` that returns the name of yours")

    @pytest.fixture
    def build(self) -> Build:
        """Writes a tree with two classes or more, pairs, and target images whose labels are known."""
        raise NotImplementedError("give the subclass a fixture `build` that returns a function of a folder")

    @pytest.fixture
    def damage(self) -> Callable[[Path], object]:
        """Makes one image of a tree unreadable."""
        raise NotImplementedError("give the subclass a fixture `damage` that returns a function of a tree")

    @pytest.fixture
    def dataset(self, importer: str, build: Build, tmp_path: Path) -> Dataset:
        """What the importer makes of the tree."""
        return _imported(importer, build, tmp_path / "once")

    def test_each_option_is_described(self, importer: str) -> None:
        """For `sfcmt data import`."""
        fields = IMPORTERS[importer].options.model_fields
        assert [field for field, info in fields.items() if not info.description] == []

    def test_only_its_own_importer_recognises_a_layout(self, importer: str, build: Build, tmp_path: Path) -> None:
        """So that a user need not name it."""
        root = build(tmp_path)
        assert [name for name, known in IMPORTERS.items() if known().recognises(root)] == [importer]

    def test_every_split_opens_and_has_rows(self, dataset: Dataset) -> None:
        """And every class has source images."""
        for split in Split:
            assert len(dataset.table(split)) == dataset.manifest.entry(split).rows > 0
        assert set(dataset.table(Split.SOURCE)["label"].to_pylist()) == set(range(len(dataset.classes)))

    @pytest.mark.parametrize(("option", "split"), [("source_images", Split.SOURCE), ("pairs", Split.PAIRS)])
    def test_source_images_and_pairs_can_be_left_out(
        self, importer: str, build: Build, tmp_path: Path, option: str, split: Split
    ) -> None:
        """The rest stays what it is."""
        whole, without = tmp_path / "whole", tmp_path / "without"
        root = build(tmp_path)
        import_dataset(root, whole, importer, {})
        import_dataset(root, without, importer, {option: "false"})
        kept = Dataset(without).manifest.files
        assert kept == {part: entry for part, entry in Dataset(whole).manifest.files.items() if part is not split}

    def test_target_labels_lie_in_a_file_of_their_own(self, dataset: Dataset) -> None:
        """Sealed, row by row."""
        assert dataset.table(Split.TARGET).column_names == ["id", "image"]
        labels = read_part(dataset.folder, dataset.manifest, Sealed.LABELS)
        assert labels["id"].to_pylist() == dataset.table(Split.TARGET)["id"].to_pylist()

    def test_target_order_does_not_follow_the_labels(self, dataset: Dataset) -> None:
        """Sorted by class there would be one fewer change than classes."""
        labels = read_part(dataset.folder, dataset.manifest, Sealed.LABELS)["label"].to_pylist()
        assert len(set(labels)) > 1
        changes = sum(first != second for first, second in pairwise(labels))
        assert changes > len(set(labels)) - 1

    def test_source_and_target_share_no_group(self, dataset: Dataset) -> None:
        """Nor do pairs and target."""
        source = set(dataset.table(Split.SOURCE)["group"].to_pylist())
        pairs = set(dataset.table(Split.PAIRS)["group"].to_pylist())
        target = set(read_part(dataset.folder, dataset.manifest, Sealed.LABELS)["group"].to_pylist())
        assert not source & target
        assert not pairs & target

    def test_a_corrupt_image_leaves_nothing_behind(
        self, importer: str, build: Build, damage: Callable[[Path], object], tmp_path: Path
    ) -> None:
        """And is an error, if the import is strict; else it is left out, and told."""
        root = build(tmp_path)
        damage(root)
        with pytest.raises(DataError, match="not a readable image"):
            import_dataset(root, tmp_path / "out" / "data", importer, {}, strict=True)
        assert list((tmp_path / "out").iterdir()) == []
        (told,) = import_dataset(root, tmp_path / "out" / "data", importer, {})
        assert re.match(r"skipped 1: not a readable image", told)

    def test_importing_twice_gives_the_same_bytes(
        self, importer: str, build: Build, tmp_path: Path, dataset: Dataset
    ) -> None:
        """Of every file."""
        first, second = dataset.folder, _imported(importer, build, tmp_path / "twice").folder
        files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
        assert len(files) >= 6
        assert sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file()) == files
        for file in files:
            assert (first / file).read_bytes() == (second / file).read_bytes(), file

    def test_an_existing_destination_is_refused_and_kept(self, importer: str, build: Build, tmp_path: Path) -> None:
        """Whatever is in it."""
        kept = tmp_path / "out" / "data" / "kept.txt"
        kept.parent.mkdir(parents=True)
        kept.write_text("mine", encoding="utf-8")
        with pytest.raises(DataError, match="exists already"):
            _imported(importer, build, tmp_path)
        assert kept.read_text(encoding="utf-8") == "mine"

    def test_an_unknown_option_is_a_config_error(self, importer: str, build: Build, tmp_path: Path) -> None:
        """With the importer's name before it."""
        with pytest.raises(ConfigError, match=f"{importer}.colour: 'red' is not allowed"):
            import_dataset(build(tmp_path), tmp_path / "out", importer, {"colour": "red"})


def _imported(importer: str, build: Build, folder: Path) -> Dataset:
    folder.mkdir(exist_ok=True)
    import_dataset(build(folder), folder / "out" / "data", importer, {})
    return Dataset(folder / "out" / "data")
