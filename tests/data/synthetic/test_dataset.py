"""The written data set: readable, balanced, reproducible, without shared scenes."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from sfcmt.data.dataset import Dataset, read_part
from sfcmt.data.images import decode
from sfcmt.data.manifest import Manifest
from sfcmt.data.schema import Sealed, Split
from sfcmt.data.synthetic.dataset import SyntheticSpec, write_synthetic
from sfcmt.data.synthetic.render import render
from sfcmt.data.synthetic.scenes import draw_scene, stack
from sfcmt.data.synthetic.solids import TI, TR
from sfcmt.errors import DataError

SPEC = SyntheticSpec(size=16, source=30, pairs=29, target=24)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("synthetic") / "data"
    write_synthetic(folder, SPEC)
    return Dataset(folder)


def _digests(manifest: Manifest) -> list[str]:
    return [entry.sha256 for entry in (*manifest.files.values(), *manifest.sealed.values())]


def test_opens_with_its_parts(dataset: Dataset) -> None:
    assert dataset.classes == tuple(solid.name for solid in TR)
    assert [dataset.table(split).num_rows for split in Split] == [30, 29, 24]
    manifest = dataset.manifest
    assert set(manifest.sealed) == set(Sealed)
    assert (manifest.source.bits, manifest.source.channels, manifest.source.name) == (8, 3, "rgb")
    assert (manifest.target.bits, manifest.target.channels, manifest.target.name) == (16, 1, "depth")
    assert manifest.min_size == manifest.max_size == (16, 16)


def test_classes_are_balanced(dataset: Dataset) -> None:
    assert set(Counter(dataset.table(Split.SOURCE)["label"].to_pylist()).values()) == {5}
    labels = read_part(dataset.folder, dataset.manifest, Sealed.LABELS)
    assert set(Counter(labels["label"].to_pylist()).values()) == {4}


def test_pairs_show_no_task_class(dataset: Dataset) -> None:
    origins = read_part(dataset.folder, dataset.manifest, Sealed.ORIGINS)["origin"].to_pylist()
    pairs = {origin.split("-")[1] for origin in origins if origin.startswith("pairs/")}
    assert pairs == {solid.name for solid in TI}


def test_source_and_target_rows_are_of_different_scenes(dataset: Dataset) -> None:
    source = dataset.table(Split.SOURCE)
    real = read_part(dataset.folder, dataset.manifest, Sealed.REAL_SOURCE)
    labels = read_part(dataset.folder, dataset.manifest, Sealed.LABELS)
    assert not set(source["image"].to_pylist()) & set(real["image"].to_pylist())
    groups = [*source["group"].to_pylist(), *labels["group"].to_pylist()]
    assert len(set(groups)) == len(groups) == 54


def test_target_rows_agree_with_their_label_and_real_source(dataset: Dataset) -> None:
    """Each target row is rendered again, alone, from the scene that its origin names."""
    sealed = {part: _by_id(read_part(dataset.folder, dataset.manifest, part)) for part in Sealed}
    for row in dataset.table(Split.TARGET).to_pylist():
        split, index, name = re.split("[/-]", sealed[Sealed.ORIGINS][row["id"]]["origin"])
        label = sealed[Sealed.LABELS][row["id"]]["label"]
        rgb, depth = render(stack([draw_scene(label, (SPEC.seed, list(Split).index(Split(split)), int(index)))]), 16)
        assert dataset.classes[label] == name
        np.testing.assert_array_equal(decode(row["image"], "depth"), depth)
        np.testing.assert_array_equal(decode(sealed[Sealed.REAL_SOURCE][row["id"]]["image"], "rgb"), rgb[0])


def _by_id(table: pa.Table) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in table.to_pylist()}


@pytest.mark.slow
def test_same_spec_same_bytes_with_any_batches_and_threads(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    monkeypatch.setattr("sfcmt.data.synthetic.dataset._PIXELS_AT_ONCE", 4 * 16**2)
    write_synthetic(tmp_path / "again", SPEC)
    assert _digests(Manifest.load(tmp_path / "again")) == _digests(dataset.manifest)


def test_another_seed_gives_other_images(dataset: Dataset, tmp_path: Path) -> None:
    write_synthetic(tmp_path / "other", SPEC.model_copy(update={"seed": 1}))
    other = Dataset(tmp_path / "other")
    for split, column in ((Split.SOURCE, "image"), (Split.PAIRS, "target_image"), (Split.TARGET, "image")):
        assert not set(other.table(split)[column].to_pylist()) & set(dataset.table(split)[column].to_pylist())


def test_a_longer_set_begins_with_the_shorter(dataset: Dataset, tmp_path: Path) -> None:
    write_synthetic(tmp_path / "longer", SPEC.model_copy(update={"source": 40}))
    longer = Dataset(tmp_path / "longer").table(Split.SOURCE)["image"].to_pylist()
    assert longer[:30] == dataset.table(Split.SOURCE)["image"].to_pylist()


def test_depth_has_no_holes(dataset: Dataset) -> None:
    for data in dataset.table(Split.TARGET)["image"].to_pylist():
        assert decode(data, "target").min() > 0


def test_refuses_an_existing_folder(dataset: Dataset) -> None:
    with pytest.raises(DataError, match="exists already"):
        write_synthetic(dataset.folder, SPEC)


@pytest.mark.parametrize("field", ["source", "pairs", "target", "size"])
def test_spec_refuses_nothing_to_render(field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        SyntheticSpec.model_validate({field: 0})


@pytest.mark.slow
@pytest.mark.long
def test_it_ships_with_1200_source_images_and_600_of_each_other(tmp_path: Path) -> None:
    write_synthetic(tmp_path / "data", SyntheticSpec())
    dataset = Dataset(tmp_path / "data")
    assert [dataset.table(split).num_rows for split in Split] == [1200, 600, 600]
    assert set(Counter(dataset.table(Split.SOURCE)["label"].to_pylist()).values()) == {200}
