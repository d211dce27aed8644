"""Whether new images call for another adaptation. With many images every difference is significant: the size decides.

A size is held against that between parts of the images that the model was adapted to: as many frames as there are new
ones (half of all, at most) against the rest, drawn at random. New images have drifted if their distance is above
`TIMES` that of 95 % of these parts, and above `LEAST`. A p-value, by permuting frames over both sets, stands beside it.

Class shares are held against parts alike. If they alone have moved, it is the scene that has changed, and no sensor:
that is told, and is no drift.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from sfcmt.reports.drift.distance import ClassShares, FrameDistances
from sfcmt.reports.drift.said import Array, Said

TIMES, LEAST, LEAST_SHARES = 2.0, 0.01, 0.1
PARTS, PERMUTATIONS, LEVEL = 200, 999, 0.95
MIN_FRAMES, MIN_IMAGES = 5, 20
"""Of either set; of less nothing can be said."""


class Verdict(StrEnum):
    """What to do."""

    ADAPT = "adapt again"
    SHARES = "no drift of the images; other class shares"
    NONE = "no drift"
    FEW = "too few images to say"
    UNKNOWN = "only predictions can be compared"


@dataclass(frozen=True)
class Size:
    """How far the new images are, from 0 to 1, and what there is to hold it against."""

    size: float
    typical: float
    """The median of random parts of the images adapted to."""
    limit: float
    """Above which it counts."""
    p_value: float

    @property
    def is_large(self) -> bool:
        """Whether it counts."""
        return self.size > self.limit


@dataclass(frozen=True)
class Finding:
    """What was compared, how it came out, and what to do."""

    verdict: Verdict
    images: int
    frames: int
    adapted_images: int
    adapted_frames: int
    distance: Size | None
    """Of the features within predicted classes; None where those of the images adapted to are not at hand."""
    shares: Size | None
    """Of the predicted classes: total variation."""
    class_shares: tuple[tuple[float, float], ...]
    """Of each class: among the images adapted to, and the new ones."""
    confidence: tuple[float, float]
    """Mean probability of the predicted class, likewise."""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def compare(new: Said, adapted: Said) -> Finding:
    """Hold new images against those that a model was adapted to."""
    counts = (len(new.frames_N), new.frames, len(adapted.frames_N), adapted.frames)
    told = [one.probabilities_NK for one in (adapted, new)]
    shares = tuple(zip(*(np.bincount(p.argmax(axis=1), minlength=p.shape[1]) / len(p) for p in told), strict=True))
    confidence = tuple(float(p.max(axis=1).mean()) for p in told)
    rest = (tuple((float(a), float(b)) for a, b in shares), (confidence[0], confidence[1]))
    if min(new.frames, adapted.frames) < MIN_FRAMES or min(counts[0], counts[2]) < MIN_IMAGES:
        return Finding(Verdict.FEW, *counts, None, None, *rest)
    new, adapted = new.compact(), adapted.compact()
    moved = _size(new, adapted, lambda said: ClassShares(said).sizes, 1.0, LEAST_SHARES)
    distance = None
    if new.features_ND is not None and adapted.features_ND is not None:
        distance = _size(new, adapted, lambda said: FrameDistances(said).sizes, TIMES, LEAST)
    return Finding(_verdict(distance, moved), *counts, distance, moved, *rest)


def _verdict(distance: Size | None, shares: Size) -> Verdict:
    if distance is None:
        return Verdict.UNKNOWN
    if distance.is_large:
        return Verdict.ADAPT
    return Verdict.SHARES if shares.is_large else Verdict.NONE


def _size(
    new: Said, adapted: Said, measure: Callable[[Said], Callable[[Array], Array]], times: float, least: float
) -> Size:
    random, both, parts = np.random.default_rng(0), measure(_joined(new, adapted)), measure(adapted)
    is_new_1F = (np.arange(new.frames + adapted.frames) < new.frames).astype(np.float64)[None]
    size = float(both(is_new_1F)[0])
    chance_B = both(_permuted(is_new_1F[0], PERMUTATIONS, random))
    part_F = (np.arange(adapted.frames) < min(new.frames, adapted.frames // 2)).astype(np.float64)
    part_B = parts(_permuted(part_F, PARTS, random))
    typical, high = np.nanquantile(part_B, [0.5, LEVEL])
    p_value = (1 + int((chance_B >= size).sum())) / (1 + PERMUTATIONS)
    return Size(size, float(typical), max(times * float(high), least), p_value)


def _joined(new: Said, adapted: Said) -> Said:
    features_ND = None
    if new.features_ND is not None and adapted.features_ND is not None:
        features_ND = np.concatenate([new.features_ND, adapted.features_ND])
    return Said(
        features_ND,
        np.concatenate([new.probabilities_NK, adapted.probabilities_NK]),
        np.concatenate([new.frames_N, adapted.frames_N + new.frames]),
        new.has_frames and adapted.has_frames,
    )


def _permuted(is_first_F: Array, times: int, random: np.random.Generator) -> Array:
    permuted: Array = random.permuted(np.broadcast_to(is_first_F, (times, len(is_first_F))), axis=1)
    return permuted
