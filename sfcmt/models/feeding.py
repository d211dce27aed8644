"""Whether a source model is fed as it was trained: how strange images are to it under the usual ways to read them.

By batch norm, where the network has any: what enters each layer, against the statistics that it keeps. Else by whether
the network tells images apart, and knows them again. Then only the scale of pixels is judged: neither the order of
channels nor the size has a clear effect on that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from sfcmt.data.dataset import Dataset
from sfcmt.data.images import Pixels, decode, resize
from sfcmt.data.schema import Split
from sfcmt.errors import ConfigError, DataError, ModelError
from sfcmt.models.at_home import answer_strangeness, batchnorm_strangeness, keeps_statistics
from sfcmt.models.expected_input import IMAGENET, ExpectedInput
from sfcmt.models.given import GivenSource
from sfcmt.models.input_map import InputMap
from sfcmt.models.normalise import Normalise
from sfcmt.models.readings import Reading, sizes_compared, usual_readings
from sfcmt.models.tapped import TappedClassifier

IMAGES = 64
"""So many tell it."""
MARGIN: dict[str, float] = {"batch norm": 0.7, "answers": 1.0}
"""By how much the log of a reading's strangeness must be smaller, or larger, to be clear: half, and 0.37 times. Wrong
readings came as low as -0.5 and -0.6 on images far from those of the training, such as satellite images for rooms.
"""
LAYERS = 0.8
"""The share of layers that must agree."""
HOME = 0.1
"""Another order or size is clearly better only where the model is at home in it: a divergence of so much at most,
median over layers. Colours and sizes differ between data sets, too: 0.03 on images like those of the training, 0.16 and
more on others.
"""
_BATCH = 32


@dataclass(frozen=True)
class Judged:
    """A reading, against the configured one."""

    reading: Reading
    strangeness: float
    """Log of its strangeness over the configured reading's, median over layers: below 0, it is more at home."""
    agreeing: float
    """Share of layers that find it less strange than the configured one."""
    divergence: float
    """Its strangeness itself, median over layers."""


@dataclass(frozen=True)
class Feeding:
    """What was found, the configured reading first."""

    judged_by: Literal["batch norm", "answers"]
    readings: tuple[Judged, ...]
    untold: tuple[str, ...]
    """What could not be judged."""

    @property
    def best(self) -> Judged:
        """The reading under which the model is most at home."""
        return min(self.readings, key=lambda judged: judged.strangeness)

    def verdict(self, judged: Judged) -> Literal["clearly better", "clearly worse", "cannot be told"]:
        """Of a reading, against the configured one."""
        margin = MARGIN[self.judged_by]
        at_home = judged.divergence <= HOME or _scales(judged.reading, self.readings[0].reading.input)
        if judged.strangeness <= -margin and judged.agreeing >= LAYERS and at_home:
            return "clearly better"
        return "clearly worse" if judged.strangeness >= margin else "cannot be told"

    @property
    def changes(self) -> dict[str, Any]:
        """The fields of `source.input` to set, where the best reading is clearly better; else none."""
        clear = self.verdict(self.best) == "clearly better"
        return self.best.reading.changes(self.readings[0].reading.input) if clear else {}

    @property
    def warning(self) -> str | None:
        """What to set, in one line."""
        fields = " ".join(f"source.input.{name}={value}".replace(" ", "") for name, value in self.changes.items())
        return f"fed wrongly, it seems: {self.best.reading.name}; set {fields}" if fields else None


def check_feeding(source: GivenSource, images: Sequence[Pixels]) -> Feeding:
    """Judge the model's configured input on source images (3, H, W) of 8 bits; two or more, `IMAGES` are enough.

    Raises `ModelError` or `ConfigError` where the model cannot be made as it is configured.
    """
    configured, shorter = source.input, int(np.median([min(image.shape[1:]) for image in images]))
    by_size = {configured.size: source.classifier(configured.size)[0]}
    by_batchnorm = keeps_statistics(by_size[configured.size])
    measure = batchnorm_strangeness if by_batchnorm else answer_strangeness
    readings = [one for one in usual_readings(configured, shorter) if by_batchnorm or _scales(one, configured)]
    models = [(one, _sized(source, one.input.size, by_size)) for one in readings]
    found = [(one, measure(model, _fed(model, one, images), _BATCH)) for one, model in models if model]
    sizes = by_batchnorm and sizes_compared(configured, shorter)
    untold = [*([] if by_batchnorm else ["order of channels"]), *([] if sizes else ["size"])]
    judged = [_judged(reading, strange_L, found[0][1]) for reading, strange_L in found]
    return Feeding("batch norm" if by_batchnorm else "answers", tuple(judged), tuple(untold))


def pair_images(dataset: Dataset) -> list[Pixels]:
    """The source images of `IMAGES` of its TI pairs, spread over all of them. Raises `DataError`."""
    if not dataset.has_pairs:
        raise DataError(f"{dataset.folder}: no TI pairs, whose source images tell how a model is fed")
    total = dataset.manifest.entry(Split.PAIRS).rows
    rows = np.linspace(0, total - 1, min(IMAGES, total)).astype(np.int64)
    images = dataset.rows(Split.PAIRS, rows, "source_image")["source_image"].to_pylist()
    named = zip(images, rows.tolist(), strict=True)
    return [decode(image, f"{dataset.folder}/{Split.PAIRS}, row {row}") for image, row in named]


def _scales(reading: Reading, configured: ExpectedInput) -> bool:
    """Whether it differs in how pixels are scaled only."""
    return (reading.input.order, reading.input.size) == (configured.order, configured.size)


def _sized(source: GivenSource, size: int, by_size: dict[int, TappedClassifier]) -> TappedClassifier | None:
    """The model for images of `size` pixels, if it takes them."""
    if size not in by_size:
        try:
            by_size[size] = source.classifier(size)[0]
        except (ConfigError, ModelError):
            return None
    return by_size[size]


def _fed(model: TappedClassifier, reading: Reading, images: Sequence[Pixels]) -> Tensor:
    """The images for a model that is set to a reading: (B, 3, size, size), in units of ImageNet's statistics."""
    model.eval().input_map = InputMap(reading.input)
    sized = [resize(image, reading.input.size, how=reading.input.resize) for image in images]
    normal: Tensor = Normalise(IMAGENET)(torch.from_numpy(np.stack(sized)))
    return normal


def _judged(reading: Reading, strange_L: Tensor, configured_L: Tensor) -> Judged:
    less_L = (strange_L - configured_L).nan_to_num(nan=0.0)
    agreeing, divergence = (less_L < 0).double().mean().item(), strange_L.quantile(0.5).exp().item()
    return Judged(reading, less_L.quantile(0.5).item(), agreeing, divergence)
