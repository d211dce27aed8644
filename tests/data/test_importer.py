"""Picking an importer and checking its options."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfcmt.data.dataset import Dataset
from sfcmt.data.importer import import_dataset
from sfcmt.errors import ConfigError, DataError, UnknownNameError
from tests.data.trees import paired_tree, rgbnir_tree, sunrgbd_tree


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
