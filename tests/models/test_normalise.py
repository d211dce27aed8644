"""Stored pixels to network inputs."""

from __future__ import annotations

import pytest
import torch

from sfcmt.data.manifest import Normalisation
from sfcmt.models.normalise import Normalise


def test_each_channel_by_its_own_statistics() -> None:
    normalise = Normalise(Normalisation(mean=(10.0, 20.0, 30.0), std=(2.0, 4.0, 5.0)))
    x = torch.tensor([12, 16, 30], dtype=torch.uint8).view(1, 3, 1, 1)
    assert normalise(x).flatten().tolist() == [1.0, -1.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint16, torch.float64])
def test_sixteen_bits_are_not_clipped(dtype: torch.dtype) -> None:
    normalise = Normalise(Normalisation(mean=(30000.0,), std=(7000.0,)))
    normal = normalise(torch.tensor([65000]).to(dtype).view(1, 1, 1, 1))
    assert normal.dtype == torch.float32
    assert normal.item() == 5.0


def test_masked_holes_become_the_mean_and_kept_ones_do_not() -> None:
    statistics = Normalisation(mean=(100.0,), std=(50.0,))
    x = torch.tensor([[0, 50], [150, 0]]).view(1, 1, 2, 2)
    assert Normalise(statistics, "mask")(x).flatten().tolist() == [0.0, -1.0, 1.0, 0.0]
    for holes in ("keep", "fill"):
        assert Normalise(statistics, holes)(x).flatten().tolist() == [-2.0, -1.0, 1.0, -2.0]


def test_of_several_channels_a_hole_is_0_in_all() -> None:
    x = torch.tensor([[0, 50], [0, 0]]).view(1, 2, 1, 2)  # (0, 0) and (50, 0)
    both = Normalisation(mean=(100.0, 10.0), std=(50.0, 5.0))
    assert Normalise(both, "mask")(x).flatten().tolist() == [0.0, -1.0, 0.0, -2.0]


def test_its_constants_are_no_part_of_a_model_s_state() -> None:
    assert not Normalise(Normalisation(mean=(1.0,), std=(1.0,))).state_dict()
