"""Images in whatever form a caller has them, and what is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import TensorDataset

from sfcmt.data.collection import collected, collected_pairs
from sfcmt.data.images import decode
from sfcmt.errors import DataError
from tests.data.trees import depth, encoded, grey, rgb, save

EIGHT = np.stack([grey(seed)[None] for seed in range(3)])
SIXTEEN = np.stack([depth(seed)[None] for seed in range(3)])


def folder_of(pixels: np.ndarray[Any, Any], folder: Path, kind: str = "PNG") -> Path:
    for place, image in enumerate(pixels):
        save(folder / f"{place}.{kind.lower()}", encoded(image[0] if len(image) == 1 else image.transpose(1, 2, 0)))
    return folder


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (EIGHT, EIGHT),
        (SIXTEEN, SIXTEEN),
        (torch.from_numpy(EIGHT), EIGHT),
        (torch.from_numpy(SIXTEEN.astype(np.int32)), SIXTEEN),
        (EIGHT.astype(np.int64), EIGHT.astype(np.uint16)),
        (torch.from_numpy(EIGHT).float() / 255, EIGHT),
        ((EIGHT / 255).astype(np.float16), EIGHT),
        ([*EIGHT], EIGHT),
        ([*EIGHT[:, 0]], EIGHT),
        ([Image.fromarray(image[0]) for image in SIXTEEN], SIXTEEN),
        (TensorDataset(torch.from_numpy(EIGHT), torch.arange(3)), EIGHT),
    ],
)
def test_forms(form: Any, expected: np.ndarray[Any, Any]) -> None:
    items = [*collected(form, "target")]
    assert [item.origin for item in items] == ["target[0]", "target[1]", "target[2]"]
    for item, pixels in zip(items, expected, strict=True):
        assert isinstance(item.image, np.ndarray)
        assert item.image.dtype == pixels.dtype
        np.testing.assert_array_equal(item.image, pixels)


def test_files_keep_their_bytes(tmp_path: Path) -> None:
    folder = folder_of(SIXTEEN, tmp_path)
    files = sorted(folder.iterdir())
    for form in (folder, str(folder), files, [*map(str, files)], files[0]):
        items = [*collected(form, "target")]
        assert [item.origin for item in items] == [*map(str, files)][: len(items)]
        assert items[0].image == files[0].read_bytes()
        np.testing.assert_array_equal(decode(files[0].read_bytes(), "x"), SIXTEEN[0])


def test_what_stands_beside_an_image_is_its_label() -> None:
    labels = [item.label for item in collected(TensorDataset(torch.from_numpy(EIGHT), torch.arange(3)), "target")]
    assert torch.tensor(labels).tolist() == [0, 1, 2]
    assert {item.label for item in collected(EIGHT, "target")} == {None}


ALLOWED = "allowed: a folder of images, paths, an array or tensor (N, C, H, W), or a torch data set"


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("nowhere", "target: nowhere does not exist"),
        (["nowhere.png"], "nowhere.png: no such file"),
        ([], "target: no images"),
        (EIGHT[0], "target: an array of shape (1, 12, 16) is not allowed; allowed: (N, C, H, W)"),
        (None, f"target: a NoneType is not allowed; {ALLOWED}"),
        ((image for image in EIGHT), f"target: a generator is not allowed; {ALLOWED}"),
        ({"a": EIGHT}, f"target: a dict is not allowed; {ALLOWED}"),
        ([1.5], "target[0]: a float is not allowed; allowed: a path, an array, or an image"),
        (EIGHT.transpose(0, 2, 3, 1), "target[0]: shape (12, 16, 1) is not allowed; allowed: (C, H, W) or (H, W)"),
        (EIGHT[:, :, :0], "target[0]: shape (1, 0, 16) is not allowed"),
        (EIGHT / 100, "are not allowed; allowed: 0 to 1 for float64"),
        (np.full((1, 1, 4, 4), np.nan), "target[0]: values from nan to nan are not allowed"),
        (-EIGHT.astype(np.int16), "are not allowed; allowed: 0 to 65535 for int16"),
        (EIGHT > 9, "target[0]: values of type bool are not allowed; allowed: floats, integers"),
    ],
)
def test_what_is_refused(form: Any, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        [*collected(form, "target")]
    assert "\n" not in str(caught.value)


def test_folders_are_paired_by_name_and_all_else_by_place(tmp_path: Path) -> None:
    colour = np.stack([rgb(seed).transpose(2, 0, 1) for seed in range(3)])
    first, second = folder_of(colour, tmp_path / "rgb"), folder_of(EIGHT, tmp_path / "grey", "TIFF")
    by_name, by_place = collected_pairs((first, str(second))), collected_pairs([colour, torch.from_numpy(EIGHT)])
    assert by_name.names == by_place.names == ["0", "1", "2"]
    for pairs in (by_name, by_place):
        for side, expected in ((pairs.source, colour), (pairs.target, EIGHT)):
            for item, pixels in zip(side, expected, strict=True):
                image = decode(item.image, "x") if isinstance(item.image, bytes) else item.image
                np.testing.assert_array_equal(image, pixels)


def test_no_pairs_are_pairs_of_which_there_are_none() -> None:
    none = collected_pairs(None)
    assert [*zip(*none, strict=True)] == []


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (3, "pairs: a int is not allowed; allowed: (source images, target images)"),
        (EIGHT, "pairs: a ndarray is not allowed"),
        ((EIGHT,), "pairs: a tuple is not allowed; allowed: (source images, target images)"),
        ((EIGHT, EIGHT[:2]), "pairs: 3 source images, but 2 target images"),
        ((EIGHT, "folder"), "pairs: a folder and something else; allowed: two folders, or two of one order"),
        (("nowhere", "folder"), "pairs: nowhere is no folder"),
        ((EIGHT, []), "pairs[1]: no images"),
    ],
)
def test_pairs_that_are_none(pairs: Any, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(message)):
        collected_pairs(pairs)


def test_an_image_without_a_partner_is_named(tmp_path: Path) -> None:
    first, second = folder_of(EIGHT, tmp_path / "rgb"), folder_of(EIGHT[:2], tmp_path / "grey")
    with pytest.raises(DataError, match=re.escape(f"{first}/2: its partner in {second} is missing")):
        collected_pairs((first, second))
