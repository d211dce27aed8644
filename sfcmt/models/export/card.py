"""What whoever runs an exported model has to know: how images become its input, and what its output means."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

import torch

from sfcmt.data.channels import SHARE, SPREAD
from sfcmt.data.manifest import NUMBERS
from sfcmt.data.reading import PLAIN, Reading
from sfcmt.models.export.program import BATCH, INPUT, OUTPUT
from sfcmt.models.target_model import ModelSpec
from sfcmt.version import __version__


def card_of(spec: ModelSpec) -> dict[str, Any]:
    """`model` is what `model.json` holds (classes, channels, bits, size, modality, ...); the rest is prose."""
    return {
        "model": spec.model_dump(mode="json"),
        "preprocessing": list(_steps(spec)),
        "input": f"{INPUT}: float32 ({BATCH}, {spec.channels}, {spec.size}, {spec.size}), {BATCH} of any size",
        "output": f"{OUTPUT}: float32 ({BATCH}, {len(spec.classes)}), the softmax of the network's logits: "
        "of each class, in the order of `classes`; a row sums to 1",
        "versions": {"sfcmt": __version__, "torch": torch.__version__, "timm": version("timm")},
    }


def texts_of(card: Mapping[str, Any]) -> dict[str, str]:
    """The card for formats whose metadata are strings: what is none is JSON."""
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in card.items()}


def _steps(spec: ModelSpec) -> Iterator[str]:
    """What `sfcmt.classify.pixels_of` does."""
    order = " in the order red, green, blue" if (spec.channels, spec.bits) == (3, 8) else ""
    yield f"decode to {spec.channels} channel(s) of {NUMBERS[spec.bits]}{order}"
    if spec.bits == 8 and spec.channels in (1, 3):
        grey = f"that differ by {SPREAD} at most in {SHARE:.0%} of the pixels are one, their mean"
        yield f"three channels {grey}" if spec.channels == 1 else "a single channel is taken three times"
    yield from _reading_steps(spec.reading or PLAIN)
    if spec.bits == 32:
        yield "set values that are no finite numbers to 0"
    if spec.holes == "fill":
        yield "fill holes: a pixel of value 0 in all channels gets the values of its nearest pixel of others"
    crop = spec.resize.crop
    square = f"to {spec.size} x {spec.size} pixels, whatever the aspect ratio"
    shorter = square if crop is None else f"the shorter side to {int(spec.size / crop)} pixels"
    if spec.holes == "mask":
        yield f"resize {shorter}, by nearest neighbour (Pillow's NEAREST): holes (0) must not bleed"
    else:
        rounded = "" if spec.bits == 32 else ", rounded to whole numbers"
        way = spec.resize.interpolation
        yield f"resize {shorter}, {way} over the area (Pillow's {way.upper()}){rounded}"
    if crop is not None:
        yield f"keep the central {spec.size} x {spec.size} pixels"
    scale = "values stay what they are" if spec.bits == 32 else f"values stay 0 to {2**spec.bits - 1}"
    yield f"convert to float32: {scale}; normalising and masking holes are in the model"


def _reading_steps(reading: Reading) -> Iterator[str]:
    """What `sfcmt.data.read_image.read_image` does, beyond decoding."""
    if reading.upright:
        yield "turn the image upright, as its EXIF orientation says"
    if reading.rotated_bits:
        yield f"rotate the 16 bits of each value right by {reading.rotated_bits} places"
    if reading.invalid:
        values = ", ".join(f"{value:.10g}" for value in reading.invalid)
        yield f"set pixels to 0 that have only these values, which stand for none: {values}"
    if reading.unit:
        yield f"values are in {reading.unit}"
