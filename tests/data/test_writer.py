"""Writing: the checks on each row, what is sealed, the statistics, and nothing half-written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sfcmt.data.dataset import Dataset, read_part
from sfcmt.data.images import Pixels, decode, encode
from sfcmt.data.manifest import Holes
from sfcmt.data.schema import Sealed, Split
from sfcmt.data.writer import DatasetInfo, DatasetWriter
from sfcmt.errors import DataError
from tests.data.trees import depth, encoded, grey, rgb


def info(holes: Holes = "keep", classes: tuple[str, ...] = ("cat", "dog")) -> DatasetInfo:
    return DatasetInfo("toy", "rgb", "depth", classes, {"importer": "test"}, holes)


def fill(writer: DatasetWriter, targets: int = 8) -> None:
    """Two source rows, two pairs, and targets in the order of their labels."""
    for label in (0, 1):
        writer.add_source(encoded(rgb(label), "JPEG"), label, f"room/{label}", f"s{label}")
        writer.add_pair(encoded(rgb(label)), encoded(depth(label)), f"hall/{label}", f"p{label}")
    for number in range(targets):
        label = int(number >= targets // 2)
        writer.add_target(
            encoded(depth(number)), f"lab/{number}", f"t{number}", label=label, real_source=encoded(rgb(number))
        )


def written(folder: Path, seed: int = 0) -> Dataset:
    with DatasetWriter(folder, info(), seed) as writer:
        fill(writer)
    return Dataset(folder)


def test_rows_and_bytes(tmp_path: Path) -> None:
    dataset = written(tmp_path / "data")
    source = dataset.table(Split.SOURCE).to_pylist()
    assert [row["label"] for row in source] == [0, 1]
    assert source[0]["image"] == encoded(rgb(0), "JPEG")  # stored as given
    assert source[0]["group"] == hashlib.sha256(b"room/0").hexdigest()[:16]
    assert dataset.table(Split.PAIRS)["target_image"].to_pylist() == [encoded(depth(0)), encoded(depth(1))]


def test_sealed_rows_stay_with_their_shuffled_images(tmp_path: Path) -> None:
    dataset = written(tmp_path / "data")
    target = dataset.table(Split.TARGET).to_pylist()
    numbers = [next(n for n in range(8) if encoded(depth(n)) == row["image"]) for row in target]
    assert sorted(numbers) == list(range(8))
    assert numbers != list(range(8))
    parts = {part: read_part(dataset.folder, dataset.manifest, part).to_pylist() for part in Sealed}
    ids = [row["id"] for row in target]
    assert [row["id"] for row in parts[Sealed.LABELS]] == [row["id"] for row in parts[Sealed.REAL_SOURCE]] == ids
    assert [row["label"] for row in parts[Sealed.LABELS]] == [int(number >= 4) for number in numbers]
    assert [row["image"] for row in parts[Sealed.REAL_SOURCE]] == [encoded(rgb(number)) for number in numbers]
    origins = {row["id"]: row["origin"] for row in parts[Sealed.ORIGINS]}
    assert [origins[name] for name in ids] == [f"t{number}" for number in numbers]


def test_frames_of_target_rows_are_public_and_tell_no_name(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "data", info()) as writer:
        fill(writer, targets=0)
        for number in range(8):
            writer.add_target(encoded(depth(number)), f"lab/{number // 3}", f"t{number}")
    dataset = Dataset(tmp_path / "data")
    numbers = [
        next(n for n in range(8) if encoded(depth(n)) == row)
        for row in dataset.table(Split.TARGET)["image"].to_pylist()
    ]
    frames = dataset.frames(Split.TARGET)
    assert frames is not None
    by_place = list(
        dict.fromkeys(number // 3 for number in numbers)
    )  # numbered as they come: a number tells no order of the import
    assert frames.tolist() == [by_place.index(number // 3) for number in numbers]
    pairs = dataset.frames(Split.PAIRS)
    assert pairs is not None
    assert len(set(pairs)) == 2


def test_data_sets_of_before_have_no_frames_of_target_rows_and_the_same_digests(tmp_path: Path) -> None:
    dataset = written(tmp_path / "data")
    fields = json.loads((dataset.folder / "manifest.json").read_text())
    del fields["public"]
    (dataset.folder / "manifest.json").write_text(json.dumps(fields | {"format": 2}))
    before = Dataset(dataset.folder)
    assert before.frames(Split.TARGET) is None
    assert before.whole_digest == dataset.whole_digest


def test_order_of_the_target_depends_on_the_seed_only(tmp_path: Path) -> None:
    digests = [
        written(tmp_path / str(place), seed).manifest.entry(Split.TARGET).sha256 for place, seed in enumerate((0, 0, 1))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_statistics_cover_what_training_may_see(tmp_path: Path) -> None:
    manifest = written(tmp_path / "data").manifest
    # The source side of rows and pairs, but not the target's real source images; the target side of pairs and targets.
    sources = [decode(encoded(rgb(n), "JPEG"), "x") for n in (0, 1)] + [rgb(n).transpose(2, 0, 1) for n in (0, 1)]
    targets = [depth(n).astype(np.float64) for n in (0, 1, *range(8))]
    stacked = np.stack(sources).astype(np.float64)
    np.testing.assert_allclose(manifest.source.normalisation.mean, stacked.mean(axis=(0, 2, 3)), atol=1e-5)
    np.testing.assert_allclose(manifest.source.normalisation.std, stacked.std(axis=(0, 2, 3)), atol=1e-5)
    np.testing.assert_allclose(manifest.target.normalisation.mean, [np.stack(targets).mean()], atol=1e-5)
    np.testing.assert_allclose(manifest.target.normalisation.std, [np.stack(targets).std()], atol=1e-5)
    assert (manifest.source.bits, manifest.target.bits) == (8, 16)


@pytest.mark.parametrize(("holes", "mean", "stored"), [("keep", 1000, 0), ("fill", 2000, 2000), ("mask", 2000, 0)])
def test_holes(holes: Holes, mean: float, stored: int, tmp_path: Path) -> None:
    half = np.full((12, 16), 2000, dtype=np.uint16)
    half[6:] = 0
    varied = half + np.where(half > 0, np.arange(16, dtype=np.uint16) % 2 * 2 - 1, 0).astype(np.uint16)
    with DatasetWriter(tmp_path / "data", info(holes)) as writer:
        for label in (0, 1):
            writer.add_source(encoded(rgb(label)), label, str(label), "s")
        writer.add_pair(encoded(rgb(0)), encoded(varied), "p", "p")
        writer.add_target(encoded(varied), "t", "t")
    dataset = Dataset(tmp_path / "data")
    pixels = decode(dataset.table(Split.TARGET)["image"].to_pylist()[0], "x")[0]
    assert abs(int(pixels[11, 0]) - stored) <= 1
    assert dataset.manifest.target.normalisation.mean[0] == pytest.approx(mean, abs=1)


def test_a_grey_image_saved_as_rgb_is_a_target_image(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "data", info()) as writer:
        for label in (0, 1):
            writer.add_source(encoded(rgb(label)), label, str(label), "s")
        writer.add_pair(encoded(rgb(0)), encoded(grey(0)), "p", "p")
        writer.add_target(encoded(np.repeat(grey(1)[..., None], 3, axis=2)), "t", "t")
    image = Dataset(tmp_path / "data").table(Split.TARGET)["image"].to_pylist()[0]
    np.testing.assert_array_equal(decode(image, "x"), grey(1)[None])


def write_targets(folder: Path, *images: bytes | Pixels) -> Dataset:
    """A data set of these target images, the first of which is a pair's."""
    with DatasetWriter(folder, info()) as writer:
        for label in (0, 1):
            writer.add_source(encoded(rgb(label)), label, str(label), "s")
        writer.add_pair(encoded(rgb(0)), images[0], "p", "p")
        for number, image in enumerate(images[1:]):
            writer.add_target(image, f"t{number}", f"t{number}")
    return Dataset(folder)


def test_coloured_target_images_keep_their_channels_and_so_does_a_grey_one_among_them(tmp_path: Path) -> None:
    dataset = write_targets(tmp_path / "data", encoded(rgb(0)), encoded(np.full((12, 16, 3), 9, dtype=np.uint8)))
    assert (dataset.manifest.target.channels, dataset.manifest.target.bits) == (3, 8)
    assert len(dataset.manifest.target.normalisation.mean) == 3
    image = dataset.table(Split.TARGET)["image"].to_pylist()[0]
    assert decode(image, "x").shape == (3, 12, 16)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_any_number_of_channels_by_their_own_statistics(dtype: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    scale = np.array([1.0, 2.0, 0.001 if dtype == "float32" else 0.5, 1.5])[:, None, None]
    pair, target = ((random.integers(2, 99, (4, 12, 16)) * scale).astype(dtype) for _ in range(2))
    dataset = write_targets(tmp_path / "data", pair, encode(target))
    modality, both = dataset.manifest.target, np.stack([pair, target]).astype(np.float64)
    assert (modality.channels, modality.bits) == (4, {"uint8": 8, "uint16": 16, "float32": 32}[dtype])
    np.testing.assert_allclose(modality.normalisation.mean, both.mean(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(modality.normalisation.std, both.std(axis=(0, 2, 3)), rtol=1e-6)
    stored = dataset.table(Split.TARGET)["image"].to_pylist()[0]
    np.testing.assert_array_equal(decode(stored, "x"), target)


def test_a_pixel_is_a_hole_where_no_channel_has_a_value(tmp_path: Path) -> None:
    x_CHW = np.full((2, 12, 16), 7, dtype=np.uint8)
    x_CHW[0, :, :8], x_CHW[:, :3] = 0, 0  # half of the first channel, and the first rows of both
    x_CHW[1, 3:, 0] = 9
    with DatasetWriter(tmp_path / "data", info("fill")) as writer:
        writer.add_source(encoded(rgb(0)), 0, "s", "s")
        writer.add_pair(encoded(rgb(0)), x_CHW, "p", "p")
        writer.add_target(x_CHW, "t", "t")
    found = decode(Dataset(tmp_path / "data").table(Split.TARGET)["image"].to_pylist()[0], "x")
    np.testing.assert_array_equal(found[:, 3:], x_CHW[:, 3:])
    np.testing.assert_array_equal(found[:, :3], np.repeat(x_CHW[:, 3:4], 3, axis=1))


DEEP = np.stack([depth(seed) for seed in range(3)])


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ((grey(0)[None], rgb(0).transpose(2, 0, 1)), r"t0: a coloured image, where 1 of 2 target images have a single"),
        (
            (rgb(0).transpose(2, 0, 1), grey(0)[None]),
            r"p \(target\): a coloured image, where 1 of 2 .*; take it out, or",
        ),
        ((depth(0)[None], DEEP), "t0: 3 x uint16 image in a data set of 1 x uint16 images"),
        ((DEEP, DEEP[:1].repeat(3, axis=0), depth(0)[None]), "t1: 1 x uint16 image in a data set of 3 x uint16"),
        ((DEEP[:1].repeat(3, axis=0), depth(0)[None], DEEP), "t1: 3 x uint16 image in a data set of 3 x uint16"),
        ((grey(0)[None], grey(0)[None].astype(np.float32)), "t0: 1 x float32 image in a data set of 1 x uint8 images"),
    ],
)
def test_target_images_of_another_kind_are_refused(images: tuple[Pixels, ...], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        write_targets(tmp_path / "out" / "data", *images)
    assert list((tmp_path / "out").iterdir()) == []


def test_others_may_read_what_was_written(tmp_path: Path) -> None:
    assert written(tmp_path / "data").folder.stat().st_mode & 0o055 == 0o055


@pytest.mark.parametrize("classes", [("cat",), ("cat", "cat")])
def test_classes_must_be_two_different_names(classes: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="classes must be two or more different names"):
        DatasetWriter(tmp_path / "data", info(classes=classes))


def write_with(folder: Path, action: Callable[[DatasetWriter], None]) -> None:
    """Write good rows, then do `action` before the writer closes."""
    with DatasetWriter(folder, info()) as writer:
        fill(writer)
        action(writer)


def _bad_rows(writer: DatasetWriter, row: str) -> None:
    small, good = encoded(rgb(0, (5, 5))), encoded(rgb(0))
    calls = {
        "label": lambda: writer.add_source(good, 2, "g", "here"),
        "negative": lambda: writer.add_target(encoded(depth(0)), "g", "here", label=-1),
        "deep source": lambda: writer.add_source(encoded(depth(0)), 0, "g", "here"),
        "rgb target": lambda: writer.add_target(good, "g", "here"),
        "pair sizes": lambda: writer.add_pair(small, encoded(depth(0)), "g", "here"),
        "real size": lambda: writer.add_target(encoded(depth(0)), "g", "here", real_source=small),
        "bits": lambda: writer.add_target(encoded(grey(0)), "g", "here"),
        "corrupt": lambda: writer.add_source(good[:200], 0, "g", "here"),
    }
    calls[row]()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("label", "here: label 2 is outside the 2 classes"),
        ("negative", "here: label -1 is outside the 2 classes"),
        (
            "deep source",
            r"here: a source image must be RGB or grey with 8 bits, not 1 x uint16; convert it, .* -depth 8",
        ),
        ("rgb target", "here: 3 x uint8 image in a data set of 1 x uint16 images"),
        ("pair sizes", r"here: the pair's sizes differ: \(5, 5\) and \(12, 16\)"),
        ("real size", r"here: its real source image is \(5, 5\), not \(12, 16\)"),
        ("bits", "here: 1 x uint8 image in a data set of 1 x uint16 images"),
        ("corrupt", "here: not a readable image"),
    ],
)
def test_bad_rows_are_refused_and_leave_nothing(row: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        write_with(tmp_path / "out" / "data", lambda writer: _bad_rows(writer, row))
    assert list((tmp_path / "out").iterdir()) == []


def test_labels_for_some_targets_only_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="8 of 9 target rows have a target_labels; all or none"):
        write_with(tmp_path / "out" / "data", lambda writer: writer.add_target(encoded(depth(9)), "g", "here"))
    assert list((tmp_path / "out").iterdir()) == []


def test_empty_splits_are_named_together(tmp_path: Path) -> None:
    with (
        pytest.raises(DataError, match=r"no rows for pairs.parquet, target.parquet"),
        DatasetWriter(tmp_path / "data", info()) as writer,
    ):
        writer.add_source(encoded(rgb(0)), 0, "g", "s")


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(_: DatasetWriter) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_with(tmp_path / "out" / "data", interrupt)
    assert list((tmp_path / "out").iterdir()) == []
