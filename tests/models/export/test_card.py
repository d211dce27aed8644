"""What the card says of images follows from the spec."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sfcmt.data.manifest import Normalisation
from sfcmt.data.reading import Reading
from sfcmt.models.expected_input import Resize
from sfcmt.models.export.card import card_of, texts_of
from sfcmt.models.target_model import ModelSpec
from tests.models.test_target_model import make

COLOUR = {"channels": 3, "normalisation": Normalisation(mean=(1.0,) * 3, std=(2.0,) * 3)}
AREA = "resize to 32 x 32 pixels, whatever the aspect ratio, bilinear over the area (Pillow's BILINEAR), rounded to"
UPRIGHT = "turn the image upright, as its EXIF"
GREY = "three channels that differ by 16 at most in 99% of the pixels are one, their mean"
NEAREST = "resize to 32 x 32 pixels, whatever the aspect ratio, by nearest neighbour (Pillow's NEAREST)"


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        (
            {"bits": 8, "holes": "keep"},
            ["decode to 1 channel(s) of 8 bits", GREY, UPRIGHT, AREA, "values stay 0 to 255;"],
        ),
        ({"holes": "mask"}, ["decode to 1 channel(s) of 16 bits", UPRIGHT, NEAREST, "values stay 0 to 65535;"]),
        (
            {"holes": "fill"},
            ["decode to 1 channel(s) of 16 bits", UPRIGHT, "fill holes", AREA, "values stay 0 to 65535;"],
        ),
        (
            {**COLOUR, "bits": 8, "holes": "keep"},
            ["of 8 bits in the order red, green, blue", "a single channel", UPRIGHT, AREA, "0 to 255;"],
        ),
        (
            {"bits": 8, "holes": "keep", "resize": Resize(interpolation="bicubic", crop=0.875)},
            [
                "of 8 bits",
                GREY,
                UPRIGHT,
                "resize the shorter side to 36 pixels, bicubic over",
                "keep the central 32 x 32",
                "0 to 255;",
            ],
        ),
        (
            {"holes": "fill", "reading": Reading(upright=False, rotated_bits=3, invalid=(65535, -1.5), unit="mm")},
            [
                "decode to 1 channel(s) of 16 bits",
                "rotate the 16 bits of each value right by 3 places",
                "set pixels to 0 that have only these values, which stand for none: 65535, -1.5",
                "values are in mm",
                "fill holes",
                AREA,
                "values stay 0 to 65535;",
            ],
        ),
        (
            {"bits": 32, "holes": "keep"},
            ["1 channel(s) of float32", UPRIGHT, "no finite", AREA[:-12], "stay what they are;"],
        ),
    ],
)
def test_steps_before_the_program(changes: dict[str, Any], steps: list[str]) -> None:
    found = card_of(make(**changes, translator="copy").spec)["preprocessing"]
    assert len(found) == len(steps)
    assert all(part in step for part, step in zip(steps, found, strict=True)), found


def test_input_output_and_versions() -> None:
    card = card_of(make().spec)
    assert card["input"] == "pixels: float32 (batch, 1, 32, 32), batch of any size"
    assert card["output"].startswith("probabilities: float32 (batch, 3), the softmax of")
    assert set(card["versions"]) == {"sfcmt", "torch", "timm"}


def test_its_texts_hold_the_whole_spec() -> None:
    spec = make().spec
    texts = texts_of(card_of(spec))
    assert ModelSpec.model_validate_json(texts["model"]) == spec
    assert json.loads(texts["model"])["classes"] == ["a", "b", "c"]
    assert texts["input"].startswith("pixels: ")
