"""Image columns: decoded or streamed, the pixels are the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from sfcmt.data.dataset import Dataset
from sfcmt.data.images import decode, resize
from sfcmt.data.loading import DecodedImages, ImageReader, StreamedImages
from sfcmt.data.manifest import MANIFEST, sha256_of
from sfcmt.data.schema import Split
from sfcmt.errors import DataError
from sfcmt.testing.tiny import SIZE, write_tiny

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
        assert isinstance(decoded, DecodedImages)
        assert isinstance(streamed, StreamedImages)
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


def test_prefetched_rows_are_decoded_once_and_handed_out(tmp_path: Path) -> None:
    images = reader_of(write_tiny(tmp_path / "data", rows=8), NONE).images(Split.TARGET, "image")
    assert isinstance(images, StreamedImages)
    images.prefetch(torch.tensor([1, 2, 3]))
    images.prefetch(torch.tensor([3, 4]))
    started = dict(images._pending)
    assert sorted(started) == [1, 2, 3, 4]
    assert torch.equal(images.batch(torch.tensor([2]))[0], started[2].result())
    assert sorted(images._pending) == [1, 3, 4]


def test_the_arrow_file_is_made_once_and_by_content(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", rows=8)
    for _ in range(2):
        reader_of(folder, NONE).images(Split.TARGET, "image")
    sha256 = Dataset(folder).manifest.entry(Split.TARGET).sha256
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f"{sha256}.arrow"]


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


def test_decoded_columns_are_shared_between_readers_of_one_data_set(tmp_path: Path) -> None:
    folder = write_tiny(tmp_path / "data", rows=8)
    assert reader_of(folder, ENOUGH).images(Split.TARGET, "image") is reader_of(folder, 2.0).images(
        Split.TARGET, "image"
    )
    other = reader_of(folder, ENOUGH, size=16).images(Split.TARGET, "image")
    assert other.batch(torch.arange(8)).shape == (8, 1, 16, 16)
