"""Other ways in which a network's images may be meant: the mistakes that are usual when one says what it expects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch

from sfcmt.models.expected_input import MEAN, STD, ExpectedInput
from sfcmt.models.input_map import InputMap


class Reading(NamedTuple):
    """One way to make the images of a network."""

    name: str
    input: ExpectedInput

    def changes(self, configured: ExpectedInput) -> dict[str, Any]:
        """The fields of `source.input` that would have to be set, and to what."""
        own, given = self.input.model_dump(mode="json"), configured.model_dump(mode="json")
        return {field: value for field, value in own.items() if value != given[field]}


def usual_readings(configured: ExpectedInput, shorter_side: int) -> list[Reading]:
    """The configured one, and each mistake alone; none twice. `shorter_side` is that of the images, in pixels.

    Sizes are compared only where no image is enlarged: enlarged images are blurred, and networks like them smaller.
    """
    found = [Reading("configured", configured)]
    for reading in [*_of_pixels(configured), *_of_size(configured, shorter_side)]:
        if not any(_alike(reading.input, one.input) for one in found):
            found.append(reading)
    return found


def sizes_compared(configured: ExpectedInput, shorter_side: int) -> bool:
    """Whether the images are large enough to tell a size."""
    return configured.size / (configured.resize.crop or 1) <= shorter_side


def _of_pixels(configured: ExpectedInput) -> Iterator[Reading]:
    bgr = configured.order == "bgr"
    mean, std = (MEAN[::-1], STD[::-1]) if bgr else (MEAN, STD)
    mistakes: dict[str, dict[str, Any]] = {
        "RGB for BGR" if bgr else "BGR for RGB": {"order": "rgb" if bgr else "bgr"},
        "0 to 1 for 0 to 255" if configured.range == 255 else "0 to 255 for 0 to 1": {"range": 256 - configured.range},
        "ImageNet's statistics": {"mean": mean, "std": std, "range": 1},
        "0.5 for mean and std": {"mean": (0.5,) * 3, "std": (0.5,) * 3, "range": 1},
        "0 to 1, not normalised": {"mean": (0.0,) * 3, "std": (1.0,) * 3, "range": 1},
        "0 to 255, not normalised": {"mean": (0.0,) * 3, "std": (1.0,) * 3, "range": 255},
    }
    for name, fields in mistakes.items():
        yield Reading(name, configured.model_copy(update=fields))


def _of_size(configured: ExpectedInput, shorter_side: int) -> Iterator[Reading]:
    for name, size in {"half the size": configured.size // 2, "double the size": configured.size * 2}.items():
        other = configured.model_copy(update={"size": size})
        if size >= 16 and sizes_compared(configured, shorter_side) and sizes_compared(other, shorter_side):
            yield Reading(name, other)


def _alike(first: ExpectedInput, second: ExpectedInput) -> bool:
    maps = InputMap(first), InputMap(second)
    same = all(torch.allclose(*pair) for pair in zip(*(one.buffers() for one in maps), strict=True))
    return same and (first.order, first.size) == (second.order, second.size)
