"""What a model says of new images: of files, read as `sfcmt predict` reads them, or of a data set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sfcmt.classify import pixels_of
from sfcmt.data.dataset import Dataset
from sfcmt.data.loading import ImageReader
from sfcmt.data.manifest import MANIFEST, NUMBERS
from sfcmt.data.scanner import files_at
from sfcmt.data.schema import Split
from sfcmt.errors import DataError
from sfcmt.machine_cache import machine_cache
from sfcmt.models.target_model import ModelSpec, TargetModel
from sfcmt.reports.drift.said import MOST_IMAGES, Places, Said, whole_frames

_BATCH, _MEMORY_GB = 128, 8.0


def said_of_images(model: TargetModel, place: Path) -> Said:
    """Of the images in a place; of whole frames with a few thousand, where there are more. Raises `DataError`."""
    if not place.exists():
        raise DataError(f"{place}: no such folder or file")
    batches, frames_N = (_of_dataset if (place / MANIFEST).is_file() else _of_files)(place, model.spec)
    with torch.no_grad():
        parts = [model.predict(model.normalise(x_BCHW)) for x_BCHW in batches]
    features, logits = (torch.cat(tensors).numpy() for tensors in zip(*parts, strict=True))
    return Said.of(features, logits, frames_N)


def _of_files(place: Path, spec: ModelSpec) -> tuple[Iterator[Tensor], Places | None]:
    files = files_at(place)
    if not files:
        raise DataError(f"{place}: no image below it")
    chosen = [files[row] for row in whole_frames(np.arange(len(files)), MOST_IMAGES)]
    starts = range(0, len(chosen), _BATCH)
    batches = ([pixels_of(file.read_bytes(), str(file), spec) for file in chosen[at : at + _BATCH]] for at in starts)
    return (torch.stack(batch) for batch in batches), None


def _of_dataset(place: Path, spec: ModelSpec) -> tuple[Iterator[Tensor], Places | None]:
    dataset = Dataset(place)
    target = dataset.manifest.target
    if (target.channels, target.bits) != (spec.channels, spec.bits):
        wanted = f"{spec.channels} channel(s) of {NUMBERS[spec.bits]} ({spec.modality})"
        raise DataError(
            f"{place}: has {target.channels} channel(s) of {NUMBERS[target.bits]}; the model takes {wanted}"
        )
    frames_N = dataset.frames(Split.TARGET)
    every_N = np.arange(dataset.manifest.entry(Split.TARGET).rows) if frames_N is None else frames_N
    rows = whole_frames(every_N, MOST_IMAGES)
    reader = ImageReader(dataset, spec.size, _MEMORY_GB, machine_cache(), torch.device("cpu"), spec.resize)
    images = reader.images(Split.TARGET, "image")
    plan = torch.split(torch.from_numpy(rows), _BATCH)
    return (images.batch(rows_B) for rows_B in plan), None if frames_N is None else frames_N[rows]
