"""Target images that stand twice: as bytes, and as the same picture encoded or resized anew."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from sfcmt.data.dataset import Dataset
from sfcmt.data.duplicates import find_duplicates
from sfcmt.data.images import encode_png
from sfcmt.data.writer import DatasetInfo, DatasetWriter
from sfcmt.verbs import inspect

SIZE = 64


def picture(seed: int) -> NDArray[np.uint8]:
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(1, SIZE, SIZE)), (0, 3, 3))
    pixels: NDArray[np.uint8] = np.clip(128 + 400 * smooth, 0, 255).astype(np.uint8)
    return pixels


def jpeg(pixels: NDArray[np.uint8], size: int = SIZE) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels[0]).resize((size, size), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def write(folder: Path, pairs: dict[str, list[bytes]], target: list[bytes]) -> Dataset:
    """A data set whose pairs, by frame, and whose target have these target images."""
    with DatasetWriter(folder, DatasetInfo("twice", "rgb", "nir", ("a", "b"), {})) as writer:
        for label in (0, 1):
            writer.add_source(np.repeat(picture(label), 3, axis=0), label, "source", "source")
        for frame, images in pairs.items():
            for image in images:
                with Image.open(io.BytesIO(image)) as opened:
                    source = np.full((3, opened.height, opened.width), 9, dtype=np.uint8)
                writer.add_pair(source, image, frame, frame)
        for number, image in enumerate(target):
            writer.add_target(image, f"target {number}", f"target {number}")
    return Dataset(folder)


def png(seed: int) -> bytes:
    return encode_png(picture(seed))


def test_different_images_are_no_twins(tmp_path: Path) -> None:
    dataset = write(
        tmp_path / "data", {f"f{seed}": [png(seed)] for seed in range(30)}, [png(99 + i) for i in range(30)]
    )
    found = find_duplicates(dataset)
    assert (found.shared, found.within, found.compared, found.against) == ((), (), 30, 30)
    assert (found.line, found.warnings) == ("none among 30 pairs and 30 target images", [])


@pytest.mark.parametrize("size", [None, SIZE, SIZE // 2, 100])
def test_a_copy_in_target_is_found(tmp_path: Path, size: int | None) -> None:
    copy = jpeg(picture(3), size) if size else png(3)
    dataset = write(tmp_path / "data", {f"f{seed}": [png(seed)] for seed in range(6)}, [png(50), copy, png(51)])
    found = find_duplicates(dataset)
    assert [twins.pair for twins in found.shared] == ["pairs-0000003"]
    assert found.within == ()
    assert found.line == "1 pairs in target, 0 in pairs of other frames"
    (warning,) = found.warnings
    assert warning.startswith(
        f"1 pairs (pairs-0000003 = {found.shared[0].other}) have a target image that is in target"
    )


@pytest.mark.parametrize("again", [False, True])
def test_a_copy_in_another_frame_is_found_and_one_in_the_same_frame_is_not(tmp_path: Path, again: bool) -> None:
    copy = jpeg(picture(0)) if again else png(0)
    dataset = write(tmp_path / "data", {"f0": [png(0), copy], "f1": [png(1)], "f2": [copy]}, [png(50)])
    found = find_duplicates(dataset)
    assert [twins.pair for twins in found.within] == ["pairs-0000003"]
    assert found.within[0].other in ("pairs-0000000", "pairs-0000001")
    assert found.shared == ()
    assert "keep one of each" in found.warnings[0]


def test_bytes_are_compared_of_rows_that_are_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sfcmt.data.duplicates._MOST_ROWS", 2)
    dataset = write(tmp_path / "data", {f"f{seed}": [png(seed)] for seed in range(9)}, [png(4)] * 3 + [png(50)])
    found = find_duplicates(dataset)
    assert (found.compared, found.against) == (2, 2)
    assert [twins.pair for twins in found.shared] == ["pairs-0000004"]


@pytest.mark.slow
def test_inspect_prints_a_row_and_a_line_of_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "data", {f"f{seed}": [png(seed)] for seed in range(4)}, [png(2)])
    inspect(tmp_path / "data", tmp_path / "sheet.png")
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert "duplicates      1 pairs in target, 0 in pairs of other frames" in lines
    assert [line for line in lines if line.startswith("warning: ")] == [lines[-2]]
    assert lines[-2].startswith("warning: 1 pairs (pairs-0000002 = ")
