"""Random views: bounds, mirrors, and modalities that stay aligned."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sfcmt.data.augment import apply_views, random_views


def views_of(count: int, crop: float, flip: bool, seed: int = 0) -> Tensor:
    return random_views(count, crop, flip, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("size", [16, 33, 96])
def test_without_crop_and_flip_images_stay_as_they_are(size: int) -> None:
    views = views_of(4, crop=1.0, flip=False)
    assert torch.equal(views, torch.eye(2, 3).expand(4, 2, 3))
    x = torch.randn(4, 3, size, size)
    torch.testing.assert_close(apply_views(x, views), x, atol=1e-4, rtol=0)


def test_a_flip_mirrors_about_half_of_the_images() -> None:
    views = views_of(400, crop=1.0, flip=True)
    synced = views[:, 0, 0] < 0
    assert 160 < synced.sum() < 240
    x = torch.randn(400, 1, 9, 9)
    expected = torch.where(synced.view(-1, 1, 1, 1), x.flip(3), x)
    torch.testing.assert_close(apply_views(x, views), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("crop", [0.2, 0.6, 0.95])
def test_crops_keep_their_area_and_shape_and_stay_inside(crop: float) -> None:
    views = views_of(2000, crop, flip=True)
    width, height = views[:, 0, 0].abs(), views[:, 1, 1]
    area = width * height
    assert (area <= 1).all()
    assert (area > 0.75 * crop).all()
    inside = (width < 1) & (height < 1)
    assert (area[inside] >= crop - 1e-5).all()
    assert (width / height).max() <= 4 / 3 + 1e-5
    assert (width / height).min() >= 3 / 4 - 1e-5
    assert (views[:, 0, 2].abs() + width <= 1 + 1e-6).all()
    assert (views[:, 1, 2].abs() + height <= 1 + 1e-6).all()
    assert views[:, 0, 2].std() > 0
    assert (views[:, 0, 1] == 0).all()
    assert area.min() < crop + 0.1 * (1 - crop)


def test_a_view_reads_the_pixels_that_it_says() -> None:
    size = 64
    centres = (2 * torch.arange(size) + 1) / size - 1
    ramp = torch.stack(torch.meshgrid(centres, centres, indexing="xy"))  # x in channel 0, y in channel 1
    views = views_of(8, crop=0.3, flip=True)
    warped = apply_views(ramp.expand(8, 2, size, size), views)
    inner = slice(4, -4)  # the border is reflected
    for view, image in zip(views, warped, strict=True):
        torch.testing.assert_close(image[0, 0, inner], (view[0, 0] * centres + view[0, 2])[inner], atol=2e-3, rtol=0)
        torch.testing.assert_close(image[1, inner, 0], (view[1, 1] * centres + view[1, 2])[inner], atol=2e-3, rtol=0)


def test_two_modalities_of_one_scene_stay_aligned() -> None:
    scene = torch.rand(6, 1, 32, 32)
    views = views_of(6, crop=0.4, flip=True)
    colour = apply_views(torch.cat([scene, 2 * scene, 1 - scene], dim=1), views)
    depth = apply_views(scene, views)
    torch.testing.assert_close(colour[:, :1], depth)
    torch.testing.assert_close(colour[:, 2:], 1 - depth)


def test_a_seed_gives_the_same_views_whatever_is_asked_of_them() -> None:
    assert torch.equal(views_of(5, 0.5, True), views_of(5, 0.5, True))
    assert not torch.equal(views_of(5, 0.5, True), views_of(5, 0.5, True, seed=1))
    one, other = torch.Generator().manual_seed(0), torch.Generator().manual_seed(0)
    random_views(7, 1.0, False, one)
    random_views(7, 0.5, True, other)
    assert torch.equal(torch.rand(3, generator=one), torch.rand(3, generator=other))
