"""Descriptors of edge directions, and the similarities of their sets."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from sfcmt.data.local_structure import describe, similarity


@pytest.fixture(scope="module")
def images() -> NDArray[np.float32]:
    noise = np.random.default_rng(0).normal(size=(12, 48, 48))
    smooth: NDArray[np.float32] = (100 + 400 * ndimage.gaussian_filter(noise, (0, 2, 2))).astype(np.float32)
    return smooth


def test_an_image_is_described_alone(images: NDArray[np.float32]) -> None:
    alone = np.concatenate([describe(image[None]) for image in images])
    assert describe(images) == pytest.approx(alone, abs=1e-6)


def test_contrast_sign_and_scale_do_not_count(images: NDArray[np.float32]) -> None:
    assert describe(images).shape == (12, 2 * 16 * 16)
    assert describe(5000 - 20 * images) == pytest.approx(describe(images), abs=1e-3)


def test_directions_do_count(images: NDArray[np.float32]) -> None:
    y, x = np.mgrid[:48, :48].astype(np.float32)
    across, down, slanting = describe(np.stack([np.sin(x), np.sin(y), np.sin(x + y)])).reshape(3, 2, 256).mean(axis=2)
    assert across[0] == pytest.approx(-down[0], abs=1e-3)
    assert across[0] > 0.5
    assert slanting[1] > 0.5
    assert abs(slanting[0]) < 0.05


def test_a_flat_image_is_like_no_other(images: NDArray[np.float32]) -> None:
    flat = np.full((1, 48, 48), 7, dtype=np.float32)
    assert not describe(flat).any()
    assert np.isfinite(similarity(describe(np.concatenate([images, flat])), describe(images))).all()


def test_rows_and_columns_are_standardised(images: NDArray[np.float32]) -> None:
    s = similarity(describe(images), describe(images[::-1]))
    for axis in (0, 1):
        assert s.mean(axis=axis) == pytest.approx(np.zeros(12), abs=1e-2)
        assert s.std(axis=axis) == pytest.approx(np.ones(12), abs=1e-2)
    assert s.argmax(axis=1).tolist() == list(range(12))[::-1]
