"""What holds for every translator, and what tells them apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from matplotlib import colormaps

from sfcmt.data.manifest import Normalisation
from sfcmt.models.translators import TRANSLATORS
from sfcmt.models.translators.fixed import FIXED
from sfcmt.testing.translators import DEPTH, RGB, FixedTranslatorContract, Make, MakeFixed, TranslatorContract

MEAN, STD = (torch.tensor(values).view(3, 1, 1) for values in (RGB.mean, RGB.std))


def test_the_registered_translators() -> None:
    assert set(TRANSLATORS) == {"copy", "light", "project", "unet"}
    assert set(FIXED) == {"colormap", "inverse", "normals"}


class TestTranslators(TranslatorContract):
    """Each of ours that learns."""

    @pytest.fixture(params=TRANSLATORS)
    def make(self, request: pytest.FixtureRequest) -> Make:
        return TRANSLATORS[request.param]


class TestFixedTranslators(FixedTranslatorContract):
    """Each of ours that does not."""

    @pytest.fixture(params=FIXED)
    def make(self, request: pytest.FixtureRequest) -> MakeFixed:
        return FIXED[request.param]


def test_only_the_unet_sees_beyond_a_pixel_s_neighbours() -> None:
    reach = {}
    for name in ("project", "light", "unet"):
        torch.manual_seed(0)
        translator = TRANSLATORS[name](1).eval()
        torch.nn.init.normal_(translator.out.weight)  # type: ignore[arg-type, union-attr]
        x = torch.randn(1, 1, 32, 32, requires_grad=True)
        translator(x)[0, 0, 16, 16].backward()
        assert x.grad is not None
        reach[name] = int((x.grad[0, 0, 16] != 0).sum())
    assert (reach["project"], reach["light"]) == (1, 3)
    assert reach["unet"] > 8


@pytest.mark.parametrize("unit", [1.0, 1000.0])
@pytest.mark.parametrize(("right", "up"), [(0.0, 0.0), (1.5, 0.0), (0.0, 0.8), (-0.7, -0.4)])
def test_normals_of_a_slanted_plane_whatever_the_unit_of_depth(unit: float, right: float, up: float) -> None:
    size, focal = 40, 0.9
    y, x = torch.meshgrid(*[(torch.arange(size) + 0.5) / size - 0.5] * 2, indexing="ij")
    depth = unit * 2 * torch.exp((right * x - up * y) / focal)  # f dlog(d) is (right, -up) everywhere
    colours = FIXED["normals"](Normalisation(mean=(2 * unit,), std=(unit,)), "keep", RGB)(depth[None, None])[0]
    found = ((colours * STD + MEAN) / 255 * 2 - 1)[:, 4:-4, 4:-4]
    expected = torch.tensor([right, up, 1.0]) / math.hypot(right, up, 1)
    torch.testing.assert_close(found, expected.view(3, 1, 1).expand_as(found), atol=2e-3, rtol=0)


def test_a_hole_does_not_bend_the_normals_around_it() -> None:
    depth = torch.full((1, 1, 20, 20), 3000.0)
    depth[..., 8:12, 8:12] = 0
    found = FIXED["normals"](DEPTH, "keep", RGB)(depth)[0]
    flat = (torch.tensor([127.5, 127.5, 255.0]).view(3, 1, 1) - MEAN) / STD
    holes = depth[0] == 0
    torch.testing.assert_close(found, torch.where(holes, 0.0, flat), atol=1e-4, rtol=0)


def test_inverse_depth_by_the_known_pixels_of_each_image() -> None:
    depth = torch.rand(2, 1, 6, 7, generator=torch.Generator().manual_seed(0)) * 4000 + 500
    depth[:, :, 0, :3] = 0
    found = FIXED["inverse"](DEPTH, "keep", RGB)(depth)
    for image, own in zip(depth, found, strict=True):
        near = 1 / image[image > 0].double()
        expected = (near - near.mean()) / near.std(correction=0)
        torch.testing.assert_close(own[:, image[0] > 0], expected.float().expand(3, -1), atol=1e-4, rtol=0)


def test_inverse_depth_of_a_flat_image_is_its_mean() -> None:
    assert FIXED["inverse"](DEPTH, "keep", RGB)(torch.full((1, 1, 5, 5), 1234.0)).abs().max() < 0.01


def test_the_colour_map_is_viridis_over_two_deviations() -> None:
    z = torch.linspace(-3, 3, 61)
    found = FIXED["colormap"](DEPTH, "keep", RGB)((2500 + 900 * z).view(1, 1, 1, -1))[0]
    expected = 255 * colormaps["viridis"](((z + 2) / 4).clamp(0, 1).numpy())[:, :3].T
    assert np.abs((found * STD + MEAN)[:, 0].numpy() - expected).max() < 6


def test_the_colour_map_keeps_a_value_of_0_that_is_no_hole() -> None:
    nir = Normalisation(mean=(100.0,), std=(50.0,))
    black = torch.zeros(1, 1, 2, 2)
    assert FIXED["colormap"](nir, "keep", RGB)(black).std() > 0.1
    assert not FIXED["colormap"](nir, "mask", RGB)(black).any()
