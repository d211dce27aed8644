"""Decoding, encoding, filling and resizing of images."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sfcmt.data.images import Pixels, decode, encode, encode_png, fill_holes, is_storable, resize
from sfcmt.errors import DataError
from tests.data.trees import depth, encoded, grey, rgb


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("pixels", [rgb(0), grey(0), depth(0)], ids=["rgb", "grey", "depth"])
def test_decode_keeps_every_bit(pixels: NDArray[np.uint8] | NDArray[np.uint16], kind: str) -> None:
    expected = pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels[None]
    x_CHW = decode(encoded(pixels, kind), "x")
    assert x_CHW.dtype == pixels.dtype
    np.testing.assert_array_equal(x_CHW, expected)


def test_big_endian_tiff_of_16_bits() -> None:
    pixels = depth(0)
    buffer = io.BytesIO()
    Image.frombytes("I;16B", (16, 12), pixels.astype(">u2").tobytes()).save(buffer, "TIFF")
    np.testing.assert_array_equal(decode(buffer.getvalue(), "x")[0], pixels)


@pytest.mark.parametrize("mode", ["P", "RGBA", "CMYK"])
def test_other_colour_modes_become_rgb(mode: str) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (5, 4), (255, 0, 0)).convert(mode).save(buffer, "TIFF")
    x_CHW = decode(buffer.getvalue(), "x")
    assert x_CHW.shape == (3, 4, 5)
    assert x_CHW.dtype == np.uint8
    assert x_CHW[0].min() > 250
    assert x_CHW[1:].max() < 5


@pytest.mark.parametrize("data", [b"", b"hello", encoded(rgb(0))[:300], encoded(rgb(0), "JPEG")[:300]])
def test_what_is_no_image_is_named(data: bytes) -> None:
    with pytest.raises(DataError, match="photo 7: not a readable image"):
        decode(data, "photo 7")


def test_an_absurd_size_is_no_image() -> None:
    damaged = bytearray(encoded(grey(0), "TIFF"))
    for tag in (b"\x00\x01", b"\x01\x01"):  # width and height, each an entry of 12 bytes: tag, type, count, value
        place = damaged.index(tag + b"\x04\x00" if tag + b"\x04\x00" in damaged else tag + b"\x03\x00")
        damaged[place + 2 : place + 12] = b"\x04\x00\x01\x00\x00\x00" + (10**6).to_bytes(4, "little")
    with pytest.raises(DataError, match="photo 7: not a readable image"):
        decode(bytes(damaged), "photo 7")


def test_a_floating_point_tiff_keeps_its_values_and_what_is_none_is_a_hole() -> None:
    metres = np.array([[0.25, 3.125, np.nan], [np.inf, -np.inf, 7e-9]], dtype=np.float32)
    x_CHW = decode(encoded(metres, "TIFF"), "x")
    assert x_CHW.dtype == np.float32
    np.testing.assert_array_equal(x_CHW, np.array([[[0.25, 3.125, 0], [0, 0, 7e-9]]], dtype=np.float32))


def many(channels: int, dtype: str) -> Pixels:
    """(channels, 9, 7) of any type."""
    values = np.random.default_rng(channels).integers(1, 200, (channels, 9, 7)) * {"uint8": 1, "uint16": 300}.get(
        dtype, 0.37
    )
    return values.astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
def test_any_image_is_encoded_without_loss_as_a_png_where_one_can_hold_it(channels: int, dtype: str) -> None:
    x_CHW = many(channels, dtype)
    data = encode(x_CHW)
    back = decode(data, "x")
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, x_CHW)
    assert is_storable(data)
    is_png = (channels, dtype) in [(1, "uint8"), (3, "uint8"), (1, "uint16")]
    assert data.startswith(b"\x89PNG" if is_png else b"\x93NUMPY")


def npy(values: NDArray[np.generic]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=True)
    return buffer.getvalue()


def test_an_array_of_one_channel_or_of_the_other_order_of_bytes() -> None:
    np.testing.assert_array_equal(decode(npy(depth(0)), "x"), depth(0)[None])
    found = decode(npy(depth(0).astype(">u2")), "x")
    assert found.dtype == np.dtype("uint16")
    np.testing.assert_array_equal(found, depth(0)[None])
    holed = decode(npy(np.array([[np.nan, 2.0]], dtype=np.float32)), "x")
    assert holed.tolist() == [[[0.0, 2.0]]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (npy(np.zeros((4, 4))), "values of float64; allowed: uint8, uint16, float32"),
        (npy(np.zeros((4, 4), dtype=np.int32)), "values of int32; allowed"),
        (npy(np.array([[{}]], dtype=object)), "not a readable .npy file"),
        (npy(depth(0))[:-9], "not a readable .npy file"),
        (b"\x93NUMPY", "not a readable .npy file"),
        (npy(np.zeros(4, dtype=np.uint8)), r"an array of shape \(4,\); allowed: \(height, width\) or"),
        (npy(np.zeros((0, 4), dtype=np.uint8)), r"an array of shape \(0, 4\)"),
        (npy(np.zeros((5, 30, 40), dtype=np.uint8)), r"an array of shape \(5, 30, 40\); allowed: .*width, channels\)"),
    ],
)
def test_an_array_that_is_no_image_is_named(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"photo 7: {message}"):
        decode(data, "photo 7")


def test_values_beyond_16_bits_are_refused() -> None:
    with pytest.raises(DataError, match=r"photo 7: pixel values outside 0..65535"):
        decode(encoded(np.full((4, 4), 70000, dtype=np.int32), "TIFF"), "photo 7")


@pytest.mark.parametrize("x_CHW", [rgb(1).transpose(2, 0, 1), grey(1)[None], depth(1)[None]])
def test_encode_png_is_lossless(x_CHW: Pixels) -> None:
    with Image.open(io.BytesIO(encode_png(x_CHW))) as image:
        back = np.asarray(image)
    np.testing.assert_array_equal(back if back.ndim == 2 else back.transpose(2, 0, 1), x_CHW.squeeze())


def test_only_png_and_jpeg_of_image_files_are_stored_as_they_are() -> None:
    assert [is_storable(encoded(rgb(0), kind)) for kind in ("PNG", "JPEG", "TIFF", "BMP")] == [True, True, False, False]


def test_holes_take_the_nearest_known_value() -> None:
    x_CHW = np.array([[[7, 0, 0, 0, 9], [0, 0, 0, 0, 0]]], dtype=np.uint16)
    filled = fill_holes(x_CHW)
    assert filled.dtype == np.uint16
    assert filled[0, :, [0, 1, 3, 4]].tolist() == [[7, 7], [7, 7], [9, 9], [9, 9]]
    assert set(filled[0, :, 2].tolist()) <= {7, 9}  # as near to both
    assert x_CHW[0, 0, 1] == 0


def test_holes_against_a_slow_search() -> None:
    x_CHW = depth(3, (9, 11))[None] * (np.random.default_rng(3).random((1, 9, 11)) < 0.3).astype(np.uint16)
    known = np.argwhere(x_CHW[0] > 0)
    filled = fill_holes(x_CHW)[0]
    for row, column in np.ndindex(9, 11):
        distances = ((known - [row, column]) ** 2).sum(axis=1)
        nearest = known[distances == distances.min()]
        assert filled[row, column] in {x_CHW[0, r, c] for r, c in nearest}


def test_an_image_without_known_pixels_stays() -> None:
    assert not fill_holes(np.zeros((1, 3, 3), dtype=np.uint8)).any()


def test_resize_averages_over_areas_and_keeps_16_bits() -> None:
    x_CHW = np.repeat(np.repeat(np.array([[[1000, 2000], [3000, 60000]]], dtype=np.uint16), 8, axis=1), 8, axis=2)
    small = resize(x_CHW, 2)
    assert small.shape == (1, 2, 2)
    assert small.dtype == np.uint16
    assert small[0, 0, 0] < small[0, 0, 1] < small[0, 1, 0] < small[0, 1, 1]
    flat = resize(np.full((1, 30, 50), 40000, dtype=np.uint16), 7)
    assert (flat == 40000).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_resize_of_8_bits_keeps_channels_apart(channels: int) -> None:
    x_CHW = np.broadcast_to(np.arange(1, channels + 1, dtype=np.uint8)[:, None, None] * 50, (channels, 20, 30)).copy()
    small = resize(x_CHW, 8)
    assert small.shape == (channels, 8, 8)
    assert [channel.tolist() for channel in small[:, 0, 0]] == [50, 100, 150][:channels]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("size", [5, 16])
def test_each_channel_is_resized_as_an_image_of_its_own(dtype: str, size: int) -> None:
    x_CHW = many(5, dtype)
    small = resize(x_CHW, size)
    assert small.shape == (5, size, size)
    assert small.dtype == dtype
    np.testing.assert_array_equal(small, np.concatenate([resize(plane[None], size) for plane in x_CHW]))


@pytest.mark.parametrize("size", [5, 16, 96])
def test_colours_are_resized_as_pillow_does(size: int) -> None:
    pixels = rgb(3, (37, 41))
    expected = np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(resize(pixels.transpose(2, 0, 1), size), expected.transpose(2, 0, 1))


def test_small_floats_are_resized_without_rounding() -> None:
    small = resize(np.linspace(0.001, 0.002, 64, dtype=np.float32).reshape(1, 8, 8), 4)
    assert len(np.unique(small)) == 16
    assert 0.001 < small.min() < small.max() < 0.002


def test_holes_do_not_bleed_when_kept() -> None:
    x_CHW = np.where(np.random.default_rng(0).random((1, 32, 32)) < 0.5, 0, 5000).astype(np.uint16)
    assert set(np.unique(resize(x_CHW, 8, keep_holes=True))) <= {0, 5000}
    assert not set(np.unique(resize(x_CHW, 8))) <= {0, 5000}
