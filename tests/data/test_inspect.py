"""The summary's numbers and the contact sheet, without the sealed parts."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sfcmt.data.dataset import Dataset
from sfcmt.data.duplicates import find_duplicates
from sfcmt.data.images import decode
from sfcmt.data.importer import import_dataset
from sfcmt.data.inspect import contact_sheet, summarise
from sfcmt.data.pair_check import check_pairs
from sfcmt.data.schema import Split
from sfcmt.testing.tiny import write_tiny
from tests.data.trees import TREES


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """The crops, without their sealed files: neither function may need them."""
    import_dataset(TREES["crops"].build(tmp_path), tmp_path / "data", "crops", {})
    shutil.rmtree(tmp_path / "data" / "sealed")
    return Dataset(tmp_path / "data")


def drawn(figure: Figure) -> list[Axes]:
    figure.draw_without_rendering()
    return [axes for axes in figure.axes if axes.images]


def test_summary(dataset: Dataset) -> None:
    summary = summarise(dataset)
    assert summary.rows == {Split.SOURCE: 12, Split.PAIRS: 6, Split.TARGET: 12}
    assert summary.source_class_counts == {"bed": 6, "chair": 6}
    assert (summary.source.bits, summary.target.bits, summary.target.name) == (8, 8, "depth")
    assert summary.min_size == summary.max_size == (12, 16)
    assert summary.sealed == ("origins", "target_labels", "target_source")
    assert summary.digest == dataset.whole_digest


@pytest.mark.slow
def test_sheet_shows_sources_targets_and_pairs(dataset: Dataset) -> None:
    axes = drawn(contact_sheet(dataset, columns=4))
    assert len(axes) == 4 + 4 + 2 * 6
    assert [axis.get_title() for axis in axes[:4]] == ["bed", "bed", "chair", "chair"]
    assert not any(axis.get_title() for axis in axes[4:])


def test_without_pairs_none_are_drawn_or_checked(tmp_path: Path) -> None:
    dataset = Dataset(write_tiny(tmp_path / "data", pairs=False))
    assert len(drawn(contact_sheet(dataset, columns=4))) == 4 + 4
    assert summarise(dataset).rows == {Split.SOURCE: 60, Split.TARGET: 60}
    pairs = check_pairs(dataset)
    assert pairs.line == "none: methods that need none can be used, and validators that look at target images"
    assert pairs.warning is None
    assert find_duplicates(dataset).line == "there are no pairs to look among"


def test_a_pair_stands_source_above_target(dataset: Dataset) -> None:
    axes = drawn(contact_sheet(dataset, columns=4))[8:]
    sources = [axis for axis in axes if np.asarray(axis.images[0].get_array()).ndim == 3]
    targets = [axis for axis in axes if np.asarray(axis.images[0].get_array()).ndim == 2]
    assert len(sources) == len(targets) == 6
    for above, below in zip(sources, targets, strict=True):
        first, second = above.get_position(), below.get_position()
        assert first.x0 == pytest.approx(second.x0)
        assert first.y0 > second.y0


def test_depth_of_16_bits_is_stretched_between_percentiles(tmp_path: Path) -> None:
    import_dataset(TREES["paired"].build(tmp_path), tmp_path / "data", "paired", {"holes": "mask"})
    image = drawn(contact_sheet(Dataset(tmp_path / "data"), columns=3))[3].images[0]
    pixels = np.asarray(image.get_array())
    low, high = image.get_clim()
    assert np.mean(pixels < low) == pytest.approx(0.02, abs=0.01)
    assert np.mean(pixels > high) == pytest.approx(0.02, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(("channels", "bits"), [(2, 8), (3, 8), (3, 16), (5, 16), (4, 32)])
def test_of_several_channels_the_first_three_are_the_colours(tmp_path: Path, channels: int, bits: int) -> None:
    dataset = Dataset(write_tiny(tmp_path / "data", rows=6, bits=bits, channels=channels))
    found = np.asarray(drawn(contact_sheet(dataset, columns=3))[3].images[0].get_array())
    stored = decode(dataset.table(Split.TARGET)["image"].to_pylist()[0], "x")
    assert found.shape == (32, 32, 3)
    for place, channel in enumerate((0, 1, min(2, channels - 1))):
        if bits == 8:
            np.testing.assert_array_equal(found[..., place], stored[channel])
        else:
            assert (found.min(), found.max()) == (0, 1)
            assert np.corrcoef(found[..., place].ravel(), stored[channel].ravel())[0, 1] > 0.99


def test_metres_are_stretched_too(tmp_path: Path) -> None:
    dataset = Dataset(write_tiny(tmp_path / "data", rows=6, bits=32))
    low, high = drawn(contact_sheet(dataset, columns=3))[3].images[0].get_clim()
    assert 0.4 < low < high < 4.6


def test_the_sheet_leaves_pyplot_alone(dataset: Dataset) -> None:
    import matplotlib.pyplot as plt

    contact_sheet(dataset, columns=2)
    assert plt.get_fignums() == []
