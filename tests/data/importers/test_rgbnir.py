"""RGB-NIR scenes: lossless storage, the choice of classes, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sfcmt.data.dataset import Dataset
from sfcmt.data.images import decode
from sfcmt.data.importer import import_dataset
from sfcmt.data.schema import Split
from sfcmt.errors import DataError
from tests.data.trees import encoded, grey, rgb, rgbnir_tree, save


def imported(root: Path, destination: Path, **options: str) -> Dataset:
    import_dataset(root, destination, "rgbnir", options)
    return Dataset(destination)


def test_the_six_most_frequent_classes_are_relevant(tmp_path: Path) -> None:
    dataset = imported(rgbnir_tree(tmp_path), tmp_path / "out")
    assert dataset.classes == ("indoor", "mountain", "oldbuilding", "street", "urban", "water")
    assert len(dataset.table(Split.PAIRS)) == 6
    assert (dataset.manifest.target.name, dataset.manifest.target.bits) == ("nir", 8)


def test_tiffs_are_stored_losslessly_as_png(tmp_path: Path) -> None:
    row = imported(rgbnir_tree(tmp_path), tmp_path / "out").table(Split.PAIRS).to_pylist()[0]
    assert row["source_image"].startswith(b"\x89PNG")
    # Pairs come in the order of their paths, so the first is country/0000, made from seed 0.
    np.testing.assert_array_equal(decode(row["source_image"], "x").transpose(1, 2, 0), rgb(0))
    np.testing.assert_array_equal(decode(row["target_image"], "x")[0], grey(0))


def test_given_classes_and_fraction(tmp_path: Path) -> None:
    options = {"tr_classes": "water, urban", "source_fraction": "0.75"}
    dataset = imported(rgbnir_tree(tmp_path), tmp_path / "out", **options)
    assert dataset.classes == ("water", "urban")
    assert (len(dataset.table(Split.SOURCE)), len(dataset.table(Split.TARGET))) == (6, 2)
    assert len(dataset.table(Split.PAIRS)) == 3 * 2 + 4 * 4


def test_near_infrared_saved_as_rgb_becomes_one_channel(tmp_path: Path) -> None:
    root = rgbnir_tree(tmp_path)
    save(root / "country" / "0000_nir.tiff", encoded(np.repeat(grey(0)[..., None], 3, axis=2), "TIFF"))
    row = imported(root, tmp_path / "out").table(Split.PAIRS).to_pylist()[0]
    np.testing.assert_array_equal(decode(row["target_image"], "x"), grey(0)[None])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("0001_nir.tiff", "field/0001_nir.tiff: missing"),
        ("0001_rgb.tiff", "field/0001_nir.tiff: its partner in the source modality is missing"),
    ],
)
def test_a_missing_partner_is_named(name: str, message: str, tmp_path: Path) -> None:
    root = rgbnir_tree(tmp_path)
    (root / "field" / name).unlink()
    with pytest.raises(DataError, match=message):
        imported(root, tmp_path / "out")


def test_different_sizes_in_a_pair_are_refused(tmp_path: Path) -> None:
    root = rgbnir_tree(tmp_path)
    save(root / "field" / "0001_nir.tiff", encoded(grey(1, (12, 15)), "TIFF"))
    with pytest.raises(DataError, match=r"field/0001_rgb.tiff \+ field/0001_nir.tiff: the pair's sizes differ"):
        imported(root, tmp_path / "out")


def test_a_fraction_outside_its_range_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"rgbnir.source_fraction: '1' is not allowed; allowed: less than 1"):
        imported(rgbnir_tree(tmp_path), tmp_path / "out", source_fraction="1")
