"""Target images as people see them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from sfcmt.data.images import Pixels, encode
from sfcmt.reports.audit.pictures import View, picture

RAMP = np.linspace(1000, 9000, 40 * 20).reshape(1, 20, 40)


def shown(x_CHW: Pixels, view: View = View.GREY, masked: bool = False) -> np.ndarray:
    with Image.open(io.BytesIO(picture(encode(x_CHW), "here", view, masked))) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        return np.asarray(image)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(20, 40, (160, 320)), (96, 96, (512, 512)), (128, 256, (256, 512)), (600, 300, (600, 300)), (10, 2048, (5, 1024))],
)
def test_is_large_enough_and_keeps_its_aspect(height: int, width: int, expected: tuple[int, int]) -> None:
    assert shown(np.ones((3, height, width), dtype=np.uint8)).shape == (*expected, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_values_of_any_kind_use_the_whole_range(dtype: type[np.generic]) -> None:
    x_CHW = (RAMP / (40 if dtype is np.uint8 else 1)).astype(dtype)
    grey, colours = shown(x_CHW), shown(x_CHW, View.COLOURS)
    assert (grey[..., 0] == grey[..., 1]).all()
    assert grey.min() <= 2
    assert grey.max() >= 253
    assert np.abs(np.diff(colours.astype(int), axis=-1)).max() > 100
    assert (shown(np.full((1, 8, 8), 7, dtype=dtype)) == 0).all()


def test_holes_stand_apart_and_do_not_count(tmp_path: object) -> None:
    x_CHW = RAMP.astype(np.uint16)
    x_CHW[:, :5] = 0
    kept, masked = shown(x_CHW), shown(x_CHW, masked=True)
    assert (kept[:32] == 0).all()
    assert (masked[:32] == masked[0, 0]).all()
    assert masked[0, 0].max() < 60
    assert masked[50, 0, 0] < kept[50, 0, 0]
    assert (shown(np.zeros((1, 8, 8), dtype=np.uint8), masked=True) == masked[0, 0]).all()


def test_colours_are_as_they_are_and_other_channels_are_colours() -> None:
    rgb = np.zeros((3, 512, 512), dtype=np.uint8)
    rgb[1] = 77
    assert (shown(rgb)[5, 5] == (0, 77, 0)).all()
    for channels in (2, 4):
        assert shown(np.repeat(RAMP, channels, axis=0).astype(np.float32)).max() >= 253
