"""From an experiment's `data` section to its data set."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from sfcmt.config import DataConfig
from sfcmt.data import opening
from sfcmt.data.dataset import Dataset
from sfcmt.data.opening import open_dataset
from sfcmt.data.synthetic.dataset import SyntheticSpec
from sfcmt.errors import ConfigError, DataError
from sfcmt.testing.tiny import write_tiny


def test_a_folder_is_opened_where_it_is(tiny_data: Path, tmp_path: Path) -> None:
    assert open_dataset(DataConfig(folder=str(tiny_data)), tmp_path).folder == tiny_data
    assert list(tmp_path.iterdir()) == []


def test_a_home_folder_is_found(tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tiny_data.parent))
    assert open_dataset(DataConfig(folder="~/tiny"), tmp_path).whole_digest == Dataset(tiny_data).whole_digest


def test_no_folder_is_a_mistake_that_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.folder: None .*data=FOLDER.*synthetic"):
        open_dataset(DataConfig(), tmp_path)


def test_an_empty_folder_is_no_data_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data set here"):
        open_dataset(DataConfig(folder=str(tmp_path)), tmp_path)


def test_one_target_image_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    write_tiny(tmp_path / "data", rows=1)
    with pytest.raises(DataError, match="data: 1 target image; training needs at least 2"):
        open_dataset(DataConfig(folder=str(tmp_path / "data")), tmp_path)


def test_the_embedded_data_set_is_rendered_once_into_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = partial(SyntheticSpec, size=16, source=12, pairs=12, target=12)
    monkeypatch.setattr(opening, "SyntheticSpec", small)  # in its own size that takes half a minute
    first = open_dataset(DataConfig(folder="synthetic"), tmp_path)
    assert first.folder.parent == tmp_path / "data"
    assert first.manifest.provenance == {"importer": "synthetic", **small().model_dump()}
    times = {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")}
    second = open_dataset(DataConfig(folder="synthetic"), tmp_path)
    assert second.folder == first.folder
    assert {path: path.stat().st_mtime_ns for path in second.folder.rglob("*")} == times
    assert [path.name for path in (tmp_path / "data").iterdir() if path.is_dir()] == [first.folder.name]
