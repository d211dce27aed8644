"""Grey in three channels and colours: the rule for one image, and for a data set whatever comes first."""

from __future__ import annotations

import io
import itertools
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

from sfcmt.data.channels import is_grey, one_channel
from sfcmt.data.dataset import Dataset
from sfcmt.data.images import Pixels, decode
from sfcmt.data.manifest import Holes
from sfcmt.data.schema import Split
from sfcmt.data.writer import DatasetInfo, DatasetWriter
from tests.data.image_bytes import saved
from tests.data.trees import depth, encoded, grey, rgb

SMOOTH = (np.add.outer(np.arange(12), np.arange(16)) * 9).astype(np.uint8)
TINTED = np.stack([SMOOTH, SMOOTH + 3, SMOOTH + 1], axis=2)
THREE = np.repeat(grey(5)[..., None], 3, axis=2)


def jpeg(pixels: NDArray[np.uint8], quality: int) -> Pixels:
    """(3, H, W), with its noise."""
    with Image.open(io.BytesIO(saved(Image.fromarray(pixels), "JPEG", quality=quality))) as image:
        return np.asarray(image.convert("RGB")).transpose(2, 0, 1)


@pytest.mark.parametrize("quality", [30, 75, 95])
def test_noise_of_jpeg_is_no_colour_and_a_colour_map_is(quality: int) -> None:
    assert is_grey(jpeg(TINTED, quality))
    for name in ("inferno", "jet", "viridis", "hot"):
        assert not is_grey(jpeg((colormaps[name](SMOOTH)[..., :3] * 255).astype(np.uint8), quality))


def test_values_of_16_bits_are_the_same_or_not() -> None:
    same = np.repeat(depth(0)[None], 3, axis=0)
    assert is_grey(same)
    other = same.copy()
    other[1, 0, 0] += 1
    assert not is_grey(other)


def write(folder: Path, targets: Sequence[bytes | Pixels], holes: Holes = "keep") -> Dataset:
    info = DatasetInfo("toy", "rgb", "thermal", (), {}, holes, source_images=False)
    with DatasetWriter(folder, info) as writer:
        for number in range(2):
            writer.add_pair(encoded(rgb(number)), targets[0], f"p{number}", "p")
        for number, image in enumerate(targets[1:]):
            writer.add_target(image, f"t{number}", f"t{number}")
    return Dataset(folder)


def images_of(dataset: Dataset) -> list[Pixels]:
    parts = (dataset.table(Split.PAIRS)["target_image"], dataset.table(Split.TARGET)["image"])
    return [decode(data, "x") for part in parts for data in part.to_pylist()]


FOUR = {"colour": rgb(7), "single": grey(4), "three": THREE, "tinted": TINTED}


@pytest.mark.parametrize("order", list(itertools.permutations(FOUR)), ids="-".join)
def test_a_coloured_image_makes_all_three_channels_whatever_comes_first(order: tuple[str, ...], tmp_path: Path) -> None:
    given = [FOUR[name] for name in (*order, "colour", "colour")]
    dataset = write(tmp_path / "data", [encoded(pixels) for pixels in given])
    expected = [image.transpose(2, 0, 1) if image.ndim == 3 else np.stack([image] * 3) for image in [given[0], *given]]
    found = images_of(dataset)
    key = lambda x: x.tobytes()  # noqa: E731
    for one, other in zip(sorted(found, key=key), sorted(expected, key=key), strict=True):
        np.testing.assert_array_equal(one, other)
    together = np.stack(found).astype(float)
    np.testing.assert_allclose(dataset.manifest.target.normalisation.mean, together.mean(axis=(0, 2, 3)), atol=1e-5)
    np.testing.assert_allclose(dataset.manifest.target.normalisation.std, together.std(axis=(0, 2, 3)), atol=1e-5)
    assert dataset.manifest.target.channels == 3


def test_without_colours_all_are_of_one_channel(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "sfcmt"):
        dataset = write(tmp_path / "data", [encoded(TINTED), encoded(THREE), encoded(grey(4))])
    assert "2 target images with three nearly equal channels keep the mean of these" in caplog.text
    found = images_of(dataset)
    assert {image.shape for image in found} == {(1, 12, 16)}
    np.testing.assert_array_equal(found[0], one_channel(TINTED.transpose(2, 0, 1)))
    np.testing.assert_allclose(dataset.manifest.target.normalisation.mean, [np.stack(found).mean()], atol=1e-5)


def test_holes_are_filled_once_it_is_known_in_which_channels(tmp_path: Path) -> None:
    holed = THREE.copy()
    holed[:4] = 0
    for name, others, channels in (("grey", [encoded(THREE)] * 2, 1), ("colour", [encoded(rgb(1))] * 2, 3)):
        found = images_of(write(tmp_path / name, [encoded(holed), *others], "fill"))[0]
        assert found.shape[0] == channels
        np.testing.assert_array_equal(found[:, :5], np.repeat(found[:, 4:5], 5, axis=1))
