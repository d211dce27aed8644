"""Classifying image files, or encoded images from anywhere, with a trained model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sfcmt.data.channels import with_channels
from sfcmt.data.images import BITS, Pixels, fill_holes, resize
from sfcmt.data.manifest import NUMBERS
from sfcmt.data.read_image import read_image
from sfcmt.data.reading import PLAIN
from sfcmt.errors import DataError
from sfcmt.models.target_model import ModelSpec

_BATCH = 128


@dataclass(frozen=True)
class Classification:
    """The class of one image, and the probability of each."""

    file: str
    label: str
    probabilities: dict[str, float]


def classify(model: Callable[[Tensor], Tensor], spec: ModelSpec, files: Iterable[Path]) -> list[Classification]:
    """Classify image files with a model that maps raw pixels to logits. Raises `DataError` naming a bad file."""
    if spec.reading is None:
        logging.getLogger("sfcmt").warning(
            "the model does not say how its images were read: upright, and values as they stand in the file, is assumed"
        )
    return classify_encoded(model, spec, ((str(file), _content(file)) for file in files))


@torch.no_grad()
def classify_encoded(
    model: Callable[[Tensor], Tensor], spec: ModelSpec, images: Iterable[tuple[str, bytes | Pixels]]
) -> list[Classification]:
    """Classify encoded images or arrays, each with the name it is called by. Raises `DataError` naming a bad one."""
    found, rest = [], iter(images)
    while batch := list(islice(rest, _BATCH)):
        x_BCHW = torch.stack([pixels_of(data, name, spec) for name, data in batch])
        for (name, _), row in zip(batch, model(x_BCHW).softmax(dim=1), strict=True):
            probabilities = dict(zip(spec.classes, row.tolist(), strict=True))
            found.append(Classification(name, spec.classes[int(row.argmax())], probabilities))
    return found


def pixels_of(image: bytes | Pixels, name: str, spec: ModelSpec) -> Tensor:
    """An image as the model takes it: float32 (channels, size, size) in stored values. Raises `DataError`.

    It is read as the images were that the model was trained on.
    """
    pixels = with_channels(read_image(image, name, spec.reading or PLAIN).x_CHW, spec.channels)
    bits = BITS[pixels.dtype.name]
    if (pixels.shape[0], bits) != (spec.channels, spec.bits):
        wanted = f"{spec.channels} channel(s) of {NUMBERS[spec.bits]} ({spec.modality}{_unit(spec)})"
        raise DataError(f"{name}: has {pixels.shape[0]} channel(s) of {NUMBERS[bits]}; the model takes {wanted}")
    filled = fill_holes(pixels) if spec.holes == "fill" else pixels
    return torch.from_numpy(_squared(filled, spec).astype(np.float32))


def _unit(spec: ModelSpec) -> str:
    return f" in {spec.reading.unit}" if spec.reading and spec.reading.unit else ""


def _squared(x_CHW: Pixels, spec: ModelSpec) -> Pixels:
    return resize(x_CHW, spec.size, spec.holes == "mask", spec.resize)


def _content(file: Path) -> bytes:
    if not file.is_file():
        raise DataError(f"{file}: no such file")
    return file.read_bytes()
