"""In half precision networks alone are rounded; every method's contract has the same test of the transfer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sfcmt.data.augment import apply_views, random_views
from sfcmt.models.classifier import Prediction
from sfcmt.precision import Precision, in_float32
from sfcmt.testing.precision import AutocastWatch
from sfcmt.testing.tiny import get_or_train, tiny_experiment

ALL_ON = {"alpha_d": 0.5, "alpha_im": 0.5, "perceptual": 0.5, "bn_matching": 0.5}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["source", "bridge"])
def test_networks_alone_are_in_the_precision(
    tiny_data: Path, tiny_store: Path, tmp_path: Path, kind: str, precision: str
) -> None:
    place = tmp_path if kind == "source" else tiny_store
    changes: dict[str, Any] = {kind: {"precision": precision, "epochs": 1} | (ALL_ON if kind == "bridge" else {})}
    watch = AutocastWatch()
    get_or_train(kind, tiny_experiment(tiny_data, place, **changes), watch)
    watch.require(half=precision == "bfloat16")


def test_what_networks_say_is_rounded_and_given_in_float32() -> None:
    layer, x = torch.nn.Linear(5, 3), torch.randn(4, 5)
    exact = layer(x)
    assert Precision("float32")(layer, x).equal(exact)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = layer(x)
    said: Prediction = Precision("bfloat16")(lambda x: Prediction(x.bfloat16(), layer(x)), x)
    assert isinstance(said, Prediction)
    assert {tensor.dtype for tensor in said} == {torch.float32}
    assert said.logits_BK.equal(rounded.float())
    assert not said.logits_BK.equal(exact)


@pytest.mark.parametrize("size", [64, 224])
def test_random_views_are_exact_amid_autocast_where_they_would_be_half_a_pixel_off(size: int) -> None:
    views = random_views(2, 0.6, True, torch.Generator().manual_seed(0))
    ramp = torch.arange(float(size)).expand(2, 1, size, size)  # its value is the column: differences are in pixels
    exact = apply_views(ramp, views)
    with torch.autocast("cpu", torch.bfloat16):
        assert (apply_views(ramp, views) - exact).abs().max() > size / 1000
        with in_float32(torch.device("cpu")):
            assert apply_views(ramp, views).equal(exact)
