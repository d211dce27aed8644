"""Image columns: decoded or streamed, the pixels are the same."""

from __future__ import annotations

import gc
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from sfcmt.data import cache_folder, image_column, loading
from sfcmt.data.dataset import Dataset
from sfcmt.data.image_column import DECODED, ENCODED
from sfcmt.data.images import decode, resize
from sfcmt.data.loading import DecodedImages, ImageReader, Images, StreamedImages
from sfcmt.data.manifest import MANIFEST
from sfcmt.data.pixels import EncodedPixels, FilePixels, Pixels
from sfcmt.data.schema import Split
from sfcmt.errors import DataError
from sfcmt.file_digests import sha256_of
from sfcmt.models.expected_input import Resize
from sfcmt.testing.tiny import SIZE, write_tiny
from tests.disks import small_disk

COLUMNS = [
    (Split.SOURCE, "image"),
    (Split.PAIRS, "source_image"),
    (Split.PAIRS, "target_image"),
    (Split.TARGET, "image"),
]
ENOUGH, NONE = 1.0, 1e-9


def reader_of(folder: Path, memory_gb: float, size: int = SIZE) -> ImageReader:
    return ImageReader(Dataset(folder), size, memory_gb, folder.parent / "cache", torch.device("cpu"))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("size", [SIZE, 20])
def test_streamed_and_decoded_images_are_those_of_the_files(tmp_path: Path, bits: int, size: int) -> None:
    folder = write_tiny(tmp_path / "data", rows=12, bits=bits)
    rows = torch.tensor([7, 0, 7, 11])
    for split, column in COLUMNS:
        decoded, streamed = (reader_of(folder, memory, size).images(split, column) for memory in (ENOUGH, NONE))
        assert isinstance(pixels_of(decoded), FilePixels)
        assert isinstance(pixels_of(streamed), EncodedPixels)
        assert len(decoded) == len(streamed) == 12
        files = Dataset(folder).table(split)[column].to_pylist()
        expected = torch.stack([torch.from_numpy(resize(decode(files[row], ""), size).astype("int64")) for row in rows])
        for images in (decoded, streamed):
            assert torch.equal(images.batch(rows).long(), expected)
        wide = bits == 16 and column in ("target_image", "image") and split is not Split.SOURCE
        assert decoded.batch(rows).dtype == streamed.batch(rows).dtype == (torch.int32 if wide else torch.uint8)
        assert (expected.max() > 255) == wide


def test_masked_holes_do_not_bleed_when_resized(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", rows=6, bits=16, holes="mask")
    for memory in (ENOUGH, NONE):
        x = reader_of(folder, memory, 20).images(Split.TARGET, "image").batch(torch.arange(6))
        known = x[x > 0]
        assert (x == 0).any()
        assert known.min() >= int(0.1 * 65535) - 1  # no value between a hole and the scene


def test_prefetched_batches_are_loaded_once_and_the_oldest_forgotten(tmp_path: Path) -> None:
    images = reader_of(write_tiny(tmp_path / "data", rows=8), NONE).images(Split.TARGET, "image")
    assert isinstance(images, StreamedImages)
    first = torch.tensor([1, 2, 3])
    for index in (first, torch.tensor([3, 4]), first):
        images.prefetch(index)
    assert [*images._pending] == [(1, 2, 3), (3, 4)]
    started = images._pending[1, 2, 3][0]
    assert images.batch(first) is started
    for row in range(8):
        images.prefetch(torch.tensor([row]))
    assert [*images._pending] == [(5,), (6,), (7,)]


@pytest.mark.parametrize("memory_gb", [ENOUGH, NONE])
def test_a_machine_has_a_column_once_whatever_process_reads_it(tmp_path: Path, memory_gb: float) -> None:
    folder, place = write_tiny(tmp_path / "data", rows=8), DECODED if memory_gb == ENOUGH else ENCODED
    moved = Path(shutil.copytree(folder, tmp_path / "moved"))
    readers = [reader_of(one, memory_gb) for one in (folder, folder, moved)]
    found = [reader.images(Split.TARGET, "image").batch(torch.arange(8)) for reader in readers]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])
    assert len(kept(tmp_path, place)) == 1


@pytest.mark.parametrize("change", [{"size": 16}, {"resize": Resize(interpolation="bicubic")}])
def test_columns_of_other_pixels_are_other_files(tmp_path: Path, change: dict[str, Any]) -> None:
    folder = write_tiny(tmp_path / "data", rows=8)
    for settings in ({}, change):
        given = {"size": 20} | settings
        ImageReader(
            Dataset(folder), memory_gb=ENOUGH, folder=tmp_path / "cache", device=torch.device("cpu"), **given
        ).images(Split.TARGET, "image")
    assert len(kept(tmp_path, DECODED)) == 2


def test_all_decoded_columns_share_one_bound(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", rows=8)
    reader = reader_of(folder, 1.5 * 8 * 3 * SIZE**2 / 2**30)  # room for one and a half
    source = reader.images(Split.SOURCE, "image")
    pairs = reader.images(Split.PAIRS, "source_image")
    assert isinstance(pixels_of(source), FilePixels)
    assert isinstance(pixels_of(pairs), EncodedPixels)
    del source
    gc.collect()
    assert isinstance(pixels_of(reader.images(Split.PAIRS, "source_image")), FilePixels)
    assert len(kept(tmp_path, DECODED)) == 1


def test_a_gpu_has_what_fits_and_all_readers_share_it(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", rows=8)
    room = 1.5 * 8 * 3 * SIZE**2 / 2**30  # for one and a half
    readers = [ImageReader(Dataset(folder), SIZE, room, tmp_path / "cache", torch.device("meta")) for _ in range(2)]
    first = readers[0].images(Split.SOURCE, "image")
    assert isinstance(first, DecodedImages)
    assert readers[1].images(Split.SOURCE, "image") is first
    assert isinstance(readers[0].images(Split.PAIRS, "source_image"), StreamedImages)
    del first
    gc.collect()
    assert isinstance(readers[0].images(Split.PAIRS, "source_image"), DecodedImages)


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_what_a_gpu_is_given_are_the_same_pixels(tmp_path: Path, bits: int) -> None:
    images = reader_of(write_tiny(tmp_path / "data", rows=9, bits=bits), ENOUGH, 20).images(Split.TARGET, "image")
    moved, expected = loading._moved(pixels_of(images), torch.device("cpu")), images.batch(torch.arange(9))
    assert moved.dtype is expected.dtype
    assert torch.equal(moved, expected)


def test_a_folder_that_cannot_be_written_is_told_of_and_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_tiny(tmp_path / "data", rows=8)
    expected = reader_of(folder, ENOUGH).images(Split.TARGET, "image").batch(torch.arange(8))
    image_column._tell.cache_clear()
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("a file, no folder")
    for _ in range(2):
        images = reader_of(folder, ENOUGH).images(Split.TARGET, "image")
        assert torch.equal(images.batch(torch.arange(8)), expected)
    assert [record.message.partition(": ")[2] for record in caplog.records] == [
        "Not a directory; images are decoded at each use"
    ] * 2  # of either kind of file


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reserve", "line"), [(2**30, "no room for"), (-(2**30), "No space left on device; images are decoded at each use")]
)
def test_a_full_disk_is_told_of_and_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, reserve: int, line: str
) -> None:
    monkeypatch.setattr(cache_folder, "_RESERVE", reserve)
    folder = write_tiny(tmp_path / "data", rows=100)
    expected = reader_of(folder, ENOUGH).images(Split.SOURCE, "image").batch(torch.arange(100))
    image_column._tell.cache_clear()
    with small_disk(tmp_path / "disk", 64) as disk:
        reader = ImageReader(Dataset(folder), SIZE, ENOUGH, disk, torch.device("cpu"))
        for _ in range(2):
            images = reader.images(Split.SOURCE, "image")
            assert torch.equal(images.batch(torch.arange(100)), expected)
        assert [path.name for path in disk.rglob("*") if path.is_file()] == [".lock"] * 2
    assert len(caplog.records) == 2  # of either kind of file, once
    assert all(line in record.message for record in caplog.records)


def pixels_of(images: Images) -> Pixels:
    assert isinstance(images, StreamedImages)
    return images._pixels


def kept(folder: Path, place: str) -> list[Path]:
    return [path for path in (folder / "cache" / place).iterdir() if path.name != ".lock"]


@pytest.mark.parametrize("memory_gb", [ENOUGH, NONE])
def test_a_corrupt_image_is_named_by_file_and_row(tmp_path: Path, memory_gb: float) -> None:
    folder = write_tiny(tmp_path / "data", rows=8)
    damage(folder, Split.TARGET, row=5)
    with pytest.raises(DataError, match=r"data/target, row 5: not a readable image"):
        reader_of(folder, memory_gb).images(Split.TARGET, "image").batch(torch.arange(8))


def damage(folder: Path, split: Split, row: int) -> None:
    """Cut one image in half, with a manifest that agrees."""
    path = folder / f"{split}.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[row]["image"] = rows[row]["image"][:80]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][split]["sha256"] = sha256_of(path)
    (folder / MANIFEST).write_text(json.dumps(manifest))


def test_a_changed_file_is_not_read(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", rows=8)
    shutil.copy(folder / "source.parquet", folder / "target.parquet")
    with pytest.raises(DataError, match="changed since the import"):
        reader_of(folder, ENOUGH).images(Split.TARGET, "image")


def test_an_unchanged_copy_of_what_is_gone_is_not_believed(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", rows=8)
    reader_of(folder, ENOUGH).images(Split.TARGET, "image")
    (folder / "target.parquet").unlink()
    with pytest.raises(DataError, match="missing, though the manifest lists it"):
        reader_of(folder, ENOUGH).images(Split.TARGET, "image")
