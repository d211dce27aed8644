"""Rotated bits, values that stand for none, and types that are stored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sfcmt.data.read_image import read_image
from sfcmt.data.reading import Reading
from sfcmt.errors import DataError
from tests.data.image_bytes import npy, tiff
from tests.data.trees import depth, encoded, rgb


@pytest.mark.parametrize(
    ("values", "invalid", "expected"),
    [
        (np.array([[7, 65535, 0]], np.uint16), (65535,), [[7, 0, 0]]),
        (np.array([[7, 65535, 9]], np.uint16), (9, 65535, float("nan")), [[7, 0, 0]]),
        (np.array([[7, -1, 9]], np.int32), (-1,), [[7, 0, 9]]),
        (np.array([[-1.0, 2.5, np.nan, np.inf]], np.float32), (-1,), [[0, 2.5, 0, 0]]),
        (np.array([[0.1, 2.5]], np.float32), (0.1,), [[0, 2.5]]),
        (np.array([[0.5, 1e300]]), (1e300,), [[0.5, 0]]),
    ],
)
def test_invalid_values_become_holes(values: NDArray[Any], invalid: tuple[float, ...], expected: list[Any]) -> None:
    reading = Reading(invalid=invalid)
    found = read_image(npy(values), "x", reading)
    assert found.x_CHW[0].tolist() == expected
    assert not found.plain
    assert read_image(values[None], "x", reading).x_CHW[0].tolist() == expected


def test_a_pixel_is_invalid_where_no_channel_says_anything() -> None:
    pixels = np.array([[[255, 255, 255], [255, 0, 0], [255, 0, 255], [255, 9, 0]]], np.uint8)
    found = read_image(encoded(pixels), "x", Reading(invalid=(255,)))
    assert found.x_CHW[:, 0].T.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 0], [255, 9, 0]]


def test_bytes_that_nothing_is_done_to_can_be_stored() -> None:
    assert read_image(encoded(depth(0)), "x", Reading(invalid=(65535,), unit="mm")).plain
    assert not read_image(encoded(depth(0)), "x", Reading(rotated_bits=3)).plain


@pytest.mark.parametrize(
    ("dtype", "stored"),
    [("int64", "uint16"), ("uint8", "uint8"), (">u2", "uint16"), ("float16", "float32"), ("f8", "float32")],
)
def test_types_that_are_stored(dtype: str, stored: str) -> None:
    found = read_image(npy(np.array([[1, 100]], dtype)), "x").x_CHW
    assert found.dtype == np.dtype(stored)
    assert found.tolist() == [[[1, 100]]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            npy(np.array([[1, 70000]])),
            r"values from 1 to 70000; allowed: 0 to 65535; name those that .*\(invalid=...\)",
        ),
        (tiff(np.array([[[-1], [5]]], np.int32)), "values from -1 to 5; allowed"),
        (npy(np.array([[1e300]])), r"values up to 1e\+300, which are too large for float32"),
    ],
)
def test_values_that_do_not_fit_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"photo 7: {message}"):
        read_image(data, "photo 7")


@pytest.mark.parametrize("data", [encoded(rgb(0)), npy(np.ones((3, 4), np.float32))])
def test_only_single_values_of_16_bits_are_rotated(data: bytes) -> None:
    with pytest.raises(DataError, match="x: must have 1 x 16 bits, not"):
        read_image(data, "x", Reading(rotated_bits=3))


def test_what_is_a_hole_in_any_case_is_not_written_down() -> None:
    assert Reading(invalid=(0, float("nan"), -1, float("inf"), -1)).invalid == (-1,)
