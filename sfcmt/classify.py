"""Classifying image files, or encoded images from anywhere, with a trained model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sfcmt.data.images import BITS, Pixels, decode, fill_holes, one_channel, resize
from sfcmt.data.manifest import NUMBERS
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
    return classify_encoded(model, spec, ((str(file), _content(file)) for file in files))


@torch.no_grad()
def classify_encoded(
    model: Callable[[Tensor], Tensor], spec: ModelSpec, images: Iterable[tuple[str, bytes]]
) -> list[Classification]:
    """Classify encoded images, each with the name that it is called by. Raises `DataError` naming a bad one."""
    found, rest = [], iter(images)
    while batch := list(islice(rest, _BATCH)):
        x_BCHW = torch.stack([pixels_of(data, name, spec) for name, data in batch])
        for (name, _), row in zip(batch, model(x_BCHW).softmax(dim=1), strict=True):
            probabilities = dict(zip(spec.classes, row.tolist(), strict=True))
            found.append(Classification(name, spec.classes[int(row.argmax())], probabilities))
    return found


def pixels_of(data: bytes, name: str, spec: ModelSpec) -> Tensor:
    """An encoded image as the model takes it: float32 (channels, size, size) in stored values. Raises `DataError`."""
    decoded = decode(data, name, exact=True)
    pixels = one_channel(decoded) if spec.channels == 1 else decoded
    bits = BITS[pixels.dtype.name]
    if (pixels.shape[0], bits) != (spec.channels, spec.bits):
        wanted = f"{spec.channels} channel(s) of {NUMBERS[spec.bits]} ({spec.modality})"
        raise DataError(f"{name}: has {pixels.shape[0]} channel(s) of {NUMBERS[bits]}; the model takes {wanted}")
    filled = fill_holes(pixels) if spec.holes == "fill" else pixels
    return torch.from_numpy(_squared(filled, spec).astype(np.float32))


def _squared(x_CHW: Pixels, spec: ModelSpec) -> Pixels:
    return resize(x_CHW, spec.size, spec.holes == "mask", spec.resize)


def _content(file: Path) -> bytes:
    if not file.is_file():
        raise DataError(f"{file}: no such file")
    return file.read_bytes()
