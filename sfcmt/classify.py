"""Classifying image files with a trained model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sfcmt.data.images import decode, fill_holes, resize
from sfcmt.errors import DataError
from sfcmt.models.target_model import ModelSpec

_BATCH = 128


@dataclass(frozen=True)
class Classification:
    """The class of one image file, and the probability of each."""

    file: str
    label: str
    probabilities: dict[str, float]


@torch.no_grad()
def classify(model: Callable[[Tensor], Tensor], spec: ModelSpec, files: Sequence[Path]) -> list[Classification]:
    """Classify image files with a model that maps raw pixels to logits. Raises `DataError` naming a bad file."""
    batches = (files[start : start + _BATCH] for start in range(0, len(files), _BATCH))
    logits = [model(torch.stack([read_image(file, spec) for file in batch])) for batch in batches]
    return [
        Classification(str(file), spec.classes[int(row.argmax())], dict(zip(spec.classes, row.tolist(), strict=True)))
        for file, row in zip(files, torch.cat(logits).softmax(dim=1), strict=True)
    ]


def read_image(file: Path, spec: ModelSpec) -> Tensor:
    """An image file as the model takes it: float32 (channels, size, size) in stored pixel values."""
    if not file.is_file():
        raise DataError(f"{file}: no such file")
    pixels = decode(file.read_bytes(), str(file))
    bits = 16 if pixels.dtype == np.uint16 else 8
    if (pixels.shape[0], bits) != (spec.channels, spec.bits):
        wanted = f"{spec.channels} channel(s) of {spec.bits} bits ({spec.modality})"
        raise DataError(f"{file}: has {pixels.shape[0]} channel(s) of {bits} bits; the model takes {wanted}")
    filled = fill_holes(pixels) if spec.holes == "fill" else pixels
    return torch.from_numpy(resize(filled, spec.size, keep_holes=spec.holes == "mask").astype(np.float32))
