"""What files of each kind become, and what is refused."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sfcmt.data.decoding import decode_file, decode_image
from sfcmt.data.images import decode
from sfcmt.errors import DataError
from tests.data.image_bytes import npy, png_16, saved, tiff
from tests.data.trees import depth, encoded, grey, rgb

DEEP = np.stack([depth(seed) for seed in range(3)], axis=2)
OPAQUE = np.full((12, 16, 1), 65535, np.uint16)
FOUR = np.stack([grey(seed) for seed in range(4)], axis=2)
TRANSPARENT = rgb(0)[..., [0, 1, 2, 0]]
UPRIGHT: dict[int, Callable[[Any], Any]] = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: x[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize(
    ("kind", "pixels"), [("PNG", depth(0)), ("TIFF", depth(0)), ("JPEG", grey(0)), ("WEBP", rgb(0))]
)
def test_an_image_is_turned_as_its_exif_says(kind: str, pixels: NDArray[Any], orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(Image.fromarray(pixels), kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    stored = np.asarray(Image.open(io.BytesIO(saved(Image.fromarray(pixels), kind)))) if kind == "JPEG" else pixels
    expected = UPRIGHT[orientation](stored)
    found = decode_file(data, "x")
    np.testing.assert_array_equal(
        found.x_CHW.squeeze(), np.moveaxis(expected, 2, 0) if expected.ndim == 3 else expected
    )
    assert found.plain == (orientation == 1 and kind in ("PNG", "JPEG"))
    if kind != "TIFF":  # which Pillow turns
        as_stored = decode_file(data, "x", upright=False).x_CHW
        assert as_stored.shape[1:] == pixels.shape[:2]
        with Image.open(io.BytesIO(data)) as image:
            np.testing.assert_array_equal(decode_image(image, "x"), found.x_CHW)


def _short(value: object) -> str:
    """What a case is called."""
    return value if isinstance(value, str) else type(value).__name__


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (png_16(DEEP), DEEP),
        (png_16(np.concatenate([DEEP, OPAQUE], axis=2)), DEEP),
        (png_16(np.concatenate([DEEP[..., :1], OPAQUE], axis=2)), DEEP[..., :1]),
        (tiff(DEEP), DEEP),
        (tiff(DEEP, deflated=True), DEEP),
        (tiff(np.concatenate([DEEP, OPAQUE], axis=2), (2,)), DEEP),
        (tiff(rgb(0), planes=True), rgb(0)),
        (tiff(depth(0)[..., None].astype(np.uint32)), depth(0)[..., None]),
        (tiff(-depth(0)[..., None].astype(np.int16)), -depth(0)[..., None].astype(np.int32)),
        (saved(Image.frombytes("I;16B", (16, 12), depth(0).astype(">u2").tobytes()), "TIFF"), depth(0)[..., None]),
        (saved(Image.fromarray(rgb(0)).convert("RGBA"), "PNG"), rgb(0)),
        (saved(Image.fromarray(grey(0)).convert("LA"), "PNG"), grey(0)[..., None]),
        (saved(Image.fromarray(grey(0)), "PNG", transparency=0), grey(0)[..., None]),  # which no pixel has
        (saved(Image.fromarray(rgb(0)), "BMP"), rgb(0)),
        (saved(Image.fromarray(np.eye(9, dtype=bool)), "PNG"), 255 * np.eye(9, dtype=np.uint8)[..., None]),
        (
            saved(Image.fromarray(rgb(0)).quantize(9), "GIF"),
            np.asarray(Image.fromarray(rgb(0)).quantize(9).convert("RGB")),
        ),
        (saved(Image.fromarray(rgb(0)), "JPEG2000"), rgb(0)),
        (saved(Image.fromarray(depth(0)), "JPEG2000"), depth(0)[..., None]),
        (b"P5\n2 1\n65535\n\x00\x05\x27\x0f", np.array([[[5], [9999]]])),
        (b"Pf\n1 1\n-1.0\n\x00\x00\xc0\x3f", np.array([[[1.5]]])),
        (npy(depth(0).astype(">u2")), depth(0)[..., None]),
        (npy(depth(0)[None]), depth(0)[..., None]),
        (npy(np.asfortranarray(rgb(0))), rgb(0)),
        (npy(depth(0).astype(np.float64)), depth(0)[..., None]),
        (npy(depth(0).astype(np.int64)), depth(0)[..., None]),
    ],
    ids=_short,
)
def test_every_bit_is_kept(data: bytes, expected: NDArray[Any]) -> None:
    found = decode_file(data, "x")
    np.testing.assert_array_equal(found.x_CHW.transpose(1, 2, 0), expected)
    assert found.x_CHW.dtype.isnative
    if found.plain:
        np.testing.assert_array_equal(decode(data, "x"), found.x_CHW)


def test_a_jpeg_of_cmyk_shows_its_colours() -> None:
    red = decode_file(saved(Image.new("RGB", (8, 8), "red").convert("CMYK"), "JPEG", quality=100), "x").x_CHW
    assert red[0].min() > 250
    assert red[1:].max() < 5


@pytest.mark.parametrize("kind", ["MPO", "TIFF"])
def test_small_copies_and_what_a_jpeg_carries_are_no_pages(kind: str) -> None:
    other = Image.fromarray(rgb(1, (6, 8)))
    other.encoderinfo = {"tiffinfo": {254: 1}}
    data = saved(Image.fromarray(rgb(0)), kind, save_all=True, append_images=[other])
    assert decode_file(data, "x").x_CHW.shape == (3, 12, 16)


TWO = {"save_all": True, "append_images": [Image.fromarray(rgb(1))]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (saved(Image.fromarray(TRANSPARENT), "PNG"), "partly transparent; flatten it first, for instance: magick"),
        (saved(Image.fromarray(TRANSPARENT).convert("LA"), "PNG"), "partly transparent"),
        (png_16(DEEP[..., [0, 1, 2, 0]]), "partly transparent"),
        (png_16(DEEP[..., :2]), "partly transparent"),
        (saved(Image.fromarray(rgb(0)).quantize(9), "PNG", transparency=0), "partly transparent"),
        (saved(Image.fromarray(grey(0)), "PNG", transparency=int(grey(0)[0, 0])), "partly transparent"),
        (
            saved(Image.fromarray(depth(0)), "PNG", transparency=int(depth(0)[0, 0])),
            "pixels of value 4319 are transparent; flatten",
        ),
        (
            saved(Image.fromarray(rgb(0)), "PNG", **TWO),
            "holds 2 pages or frames; save one a file, for instance: magick",
        ),
        (saved(Image.fromarray(rgb(0)), "TIFF", **TWO), "holds 2 pages or frames"),
        (saved(Image.fromarray(rgb(0)), "GIF", **TWO), "holds 2 pages or frames"),
        (saved(Image.fromarray(rgb(0)), "WEBP", **TWO), "holds 2 pages or frames"),
        (saved(Image.fromarray(rgb(0)), "TIFF", tiffinfo={254: 1}), "holds 0 pages or frames"),
        (
            tiff(FOUR, (0,)),
            "4 channels, of which Pillow can read 3 or fewer; save its values as .npy, of shape (height,",
        ),
        (tiff(FOUR), "4 channels, of which Pillow"),
        (tiff(FOUR[..., [0, 1, 2, 3, 0]], (0, 0)), "5 channels, of which Pillow"),
        (tiff(DEEP, planes=True), "3 channels of 16 bits in planes, which Pillow cannot read; save its values"),
        (tiff(grey(0)[..., None].astype(np.int8)), "signed values of 8 bits, which Pillow takes for others"),
        (tiff(DEEP.astype(np.float32)), "not a readable image (a TIFF of a kind that Pillow cannot read; save its"),
        (b"P5\n2 1\n10000\n\x00\x05\x27\x0f", "values up to 10000, which would be rescaled; save its values as .npy"),
        (b"P6\n1 1\n65535\n\x00\x05\x27\x0f\x00\x00", "values up to 65535, which would be rescaled"),
        (saved(Image.new("LAB", (4, 4)), "TIFF"), "images of mode LAB are not read; convert it to RGB or grey"),
        (saved(Image.fromarray(rgb(0)), "ICO"), "ICO files are not read here; convert it to PNG or TIFF"),
        (b"\x76\x2f\x31\x01more", "OpenEXR, for which there is no decoder here; save its values as .npy"),
        (b"hello", "not a readable image (none of PNG, JPEG, MPO, TIFF, BMP"),
        (b"", "not a readable image"),
        (png_16(DEEP)[:150], "not a readable image"),
        (encoded(rgb(0), "JPEG")[:-30], "not a readable image"),
        (npy(np.array([[{}]], dtype=object)), "not a readable .npy file"),
        (npy(depth(0))[:-9], "not a readable .npy file"),
        (npy(depth(0) > 9), "values of bool; allowed: whole numbers and floats"),
        (npy(rgb(0).transpose(2, 0, 1)), "an array of shape (3, 12, 16); allowed: (height, width), (1, height, width)"),
        (npy(np.zeros((5, 40, 30), np.uint8)), "an array of shape (5, 40, 30)"),
        (npy(np.zeros((1, 0, 4), np.uint8)), "an array of shape (1, 0, 4)"),
    ],
    ids=_short,
)
def test_what_would_lose_something_is_refused_in_a_line(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=re.escape(f"photo 7: {message}")) as caught:
        decode_file(data, "photo 7")
    assert "\n" not in str(caught.value)


def test_a_lazy_image_of_16_bits_is_refused_where_pillow_would_cut_it() -> None:
    with Image.open(io.BytesIO(png_16(DEEP))) as image, pytest.raises(DataError, match="x: a colour image of 16 bits"):
        decode_image(image, "x")
