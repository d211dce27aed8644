"""Images reach a network as it expects them."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from sfcmt.models.expected_input import IMAGENET, ExpectedInput
from sfcmt.models.input_map import InputMap
from sfcmt.models.normalise import Normalise

PIXELS = torch.randint(0, 256, (2, 3, 5, 7), generator=torch.Generator().manual_seed(0)).double()
MEAN, STD = (0.4, 0.5, 0.6), (0.1, 0.2, 0.3)


def column(values: tuple[float, ...]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, 3, 1, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)},
        {"mean": MEAN, "std": STD, "order": "bgr"},
        {"mean": (0, 0, 0), "std": (1, 1, 1), "range": 255},
        {"mean": (103.9, 116.8, 123.7), "std": (1, 1, 1), "range": 255, "order": "bgr"},
    ],
)
def test_stored_pixels_become_what_the_network_expects(fields: dict[str, Any]) -> None:
    expected = ExpectedInput(**fields)
    ordered = PIXELS.flip(1) if expected.order == "bgr" else PIXELS
    by_hand = (ordered * expected.range / 255 - column(expected.mean)) / column(expected.std)
    seen = InputMap(expected)(Normalise(IMAGENET)(PIXELS))
    torch.testing.assert_close(seen.double(), by_hand, rtol=1e-5, atol=1e-3 * expected.range / 255)


def test_images_that_need_no_change_are_the_same_tensor() -> None:
    x = torch.randn(1, 3, 2, 2)
    assert InputMap(ExpectedInput())(x) is x
