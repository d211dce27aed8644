"""Picking an importer and checking its options."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfcmt.data.dataset import Dataset
from sfcmt.data.importer import import_dataset
from sfcmt.data.reading import Reading
from sfcmt.errors import ConfigError, DataError, UnknownNameError
from tests.data.trees import TREES, paired_tree, rgbnir_tree, sunrgbd_tree


def test_the_layout_is_recognised(tmp_path: Path) -> None:
    import_dataset(rgbnir_tree(tmp_path), tmp_path / "out", None, {})
    provenance = Dataset(tmp_path / "out").manifest.provenance
    assert provenance["importer"] == "rgbnir"
    assert provenance["imported_from"] == "nirscene1"


def test_an_unknown_layout_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no known layout; name one of: crops, diml, paired, rgbnir, sunrgbd"):
        import_dataset(tmp_path, tmp_path / "out", None, {})


def test_several_fitting_layouts_are_named(tmp_path: Path) -> None:
    paired_tree(tmp_path)
    (tmp_path / "plain" / "extra").mkdir()
    (tmp_path / "plain" / "extra" / "0000_rgb.tiff").write_bytes(b"")
    with pytest.raises(DataError, match=r"fits several layouts \(paired, rgbnir\)"):
        import_dataset(tmp_path / "plain", tmp_path / "out", None, {})


def test_an_unknown_importer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="crops, diml"):
        import_dataset(tmp_path, tmp_path / "out", "zip", {})


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: does not exist"):
        import_dataset(tmp_path / "nowhere", tmp_path / "out", "crops", {})


@pytest.mark.parametrize("layout", TREES)
def test_invalid_values_and_a_unit_are_options_of_every_importer(layout: str, tmp_path: Path) -> None:
    import_dataset(TREES[layout].build(tmp_path), tmp_path / "out", layout, {"invalid": "65535,-1,nan", "unit": "cm"})
    manifest = Dataset(tmp_path / "out").manifest
    assert manifest.reading == Reading(invalid=(65535, -1), unit="cm", rotated_bits=3 if layout == "sunrgbd" else 0)
    assert (manifest.provenance["invalid"], manifest.provenance["unit"]) == ("65535,-1,nan", "cm")


def test_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"paired.invalid.1: 'x' is not allowed; allowed: a valid number"):
        import_dataset(paired_tree(tmp_path), tmp_path / "out", "paired", {"invalid": "65535, x"})


def test_all_wrong_options_are_reported_at_once(tmp_path: Path) -> None:
    wrong = {"source_sensor": "kv3", "holes": "patch", "speed": "9"}
    with pytest.raises(ConfigError) as raised:
        import_dataset(sunrgbd_tree(tmp_path), tmp_path / "out", "sunrgbd", wrong)
    problems = {problem.path: problem for problem in raised.value.problems}
    assert set(problems) == {"sunrgbd.source_sensor", "sunrgbd.holes", "sunrgbd.speed"}
    assert problems["sunrgbd.source_sensor"].value == "kv3"
    assert "'realsense'" in problems["sunrgbd.source_sensor"].allowed
    assert "target_sensor" in problems["sunrgbd.speed"].allowed
    assert not (tmp_path / "out").exists()
