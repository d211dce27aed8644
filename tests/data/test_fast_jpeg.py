"""JPEG files by the fast decoder: Pillow's pixels, or none."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sfcmt.data import fast_jpeg
from sfcmt.data.fast_jpeg import fast_pixels
from sfcmt.data.images import decode
from sfcmt.errors import DataError

simplejpeg = pytest.importorskip("simplejpeg")

TURNED = Image.Exif()
TURNED[0x0112] = 6


def jpeg(mode: str = "RGB", size: tuple[int, int] = (96, 96), **options: Any) -> bytes:
    random, buffer = np.random.default_rng(0), io.BytesIO()
    small = Image.fromarray(random.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    x_HW3 = np.asarray(small.resize(size, Image.Resampling.BICUBIC)).astype(int)
    noisy = (x_HW3 + random.integers(-20, 20, x_HW3.shape)).clip(0, 255).astype(np.uint8)
    Image.fromarray(noisy).convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def pillows(data: bytes) -> Any:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image).reshape(image.height, image.width, -1).transpose(2, 0, 1)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("size", [(96, 96), (1, 1), (17, 33), (8, 100)])
@pytest.mark.parametrize("quality", [1, 40, 75, 95, 100])
@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"subsampling": 1}, {"progressive": True}])
def test_pixels_are_those_of_pillow(mode: str, size: tuple[int, int], quality: int, options: dict[str, Any]) -> None:
    data = jpeg(mode, size, quality=quality, **options)
    found = fast_pixels(data)
    assert found is not None
    assert np.array_equal(found, pillows(data))
    assert np.array_equal(decode(data, ""), found)


@pytest.mark.parametrize("options", [{"optimize": True}, {"restart_marker_rows": 1}, {"exif": TURNED}])
def test_files_with_more_in_them_have_the_same_pixels(options: dict[str, Any]) -> None:
    data = jpeg(**options)
    assert np.array_equal(decode(data, ""), pillows(data))


def test_other_colours_are_left_to_pillow() -> None:
    data = jpeg("CMYK")
    assert fast_pixels(data) is None
    assert decode(data, "").shape == (3, 96, 96)


@pytest.mark.parametrize("length", [2, 100, 1500])
def test_damaged_files_are_left_to_pillow(length: int) -> None:
    data = jpeg()[:length]
    assert fast_pixels(data) is None
    with pytest.raises(DataError, match="here: not a readable image"):
        decode(data, "here")


def test_a_pillow_of_other_pixels_keeps_its_own(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    fast_jpeg._library.cache_clear()
    monkeypatch.setattr(simplejpeg, "decode_jpeg", lambda data, mode: pillows(data).transpose(1, 2, 0) ^ 1)
    assert fast_pixels(jpeg()) is None
    assert "simplejpeg gives other pixels" in caplog.text
    monkeypatch.undo()
    fast_jpeg._library.cache_clear()
    assert fast_pixels(jpeg()) is not None
