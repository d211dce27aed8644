"""How often two models are told apart wrongly, and how large regrets seem that are none, on images in frames.

    python -m benchmarks.frame_coverage [--studies 1000]

Two simulated models share what is hard in a frame, and each has luck of its own there. They are alike in balanced
accuracy ("alike", with a lead of the first in one class and of the second in another), or the first leads. Frames,
images and classes are about those of three data sets that were looked at. Some minutes on a CPU core.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import stats

from benchmarks.coverage import ALPHA, Row
from sfcmt.evaluation.cross_fit import cross_fitted_regrets
from sfcmt.evaluation.labels import TargetLabels
from sfcmt.reports.statistics.frame_test import compare_on_frames

RESAMPLES = 499
_SHARED, _OWN = 0.7, 0.5
"""Standard deviations over frames of what is hard for both, and of each model's luck; an image has 1."""


@dataclass(frozen=True)
class Images:
    """How many, in what."""

    frames: int
    size: float
    classes: int
    is_of_one_class: bool
    """Whether all images of a frame are."""

    def draw(self, generator: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Labels (N,) and frames (N,)."""
        frames_N = np.repeat(np.arange(self.frames), 1 + generator.poisson(self.size - 1, self.frames))
        drawn = generator.integers(0, self.classes, self.frames if self.is_of_one_class else len(frames_N))
        return (drawn[frames_N] if self.is_of_one_class else drawn), frames_N


SETS = {
    "46 frames of 30, 5 classes": Images(46, 30, 5, False),
    "561 frames of 2, 6 classes": Images(561, 2.3, 6, False),
    "80 frames of 9, 8 classes, one a frame": Images(80, 9, 8, True),
    "15 frames of 8, 3 classes": Images(15, 8, 3, False),
}


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    studies = parser.parse_args().studies
    table = Table("what", "images", "%", "studies", "note", title="Models on images in frames", title_justify="left")
    for row in (*comparisons(studies), *regrets(studies // 10)):
        table.add_row(row.what, row.noise, f"{100 * row.share:.1f}", str(row.studies), row.note)
    Console(width=140).print(table)


def comparisons(studies: int) -> Iterator[Row]:
    """Rejections of models that are alike, and coverage of a lead; and the former with images as units."""
    for name, images in SETS.items():
        alike, ahead = np.linspace(-1, 1, images.classes), 0.8 + np.linspace(-0.5, 0.5, images.classes)
        found = [_comparison(images, alike, seed) for seed in range(studies)]
        by_image = [_comparison(images, alike, seed, by_frames=False) for seed in range(studies // 4)]
        leads = [_comparison(images, ahead, seed) for seed in range(studies)]
        yield Row("alike, told apart (5 %)", name, 0, _share([p <= ALPHA for p, _ in found]), studies)
        told = _share([p <= ALPHA for p, _ in by_image])
        yield Row("the same, images as units (not used)", name, 0, told, len(by_image))
        found_lead = f"told apart {_share([p <= ALPHA for p, _ in leads]):.0%}"
        yield Row("a lead, in its interval (95 %)", name, 0, _share([held for _, held in leads]), studies, found_lead)


def regrets(studies: int) -> Iterator[Row]:
    """Of one of eight models that are alike, in points: what it seems to regret, and cross-fitted."""
    for name, images in SETS.items():
        seen, fitted = zip(*(_regrets(images, seed) for seed in range(studies)), strict=True)
        error = f"standard error {100 * np.std(fitted) / np.sqrt(studies):.1f}"
        yield Row("regret against the best seen (0)", name, 0, float(np.mean(seen)), studies)
        yield Row("regret, cross-fitted (0)", name, 0, float(np.mean(fitted)), studies, error)


def _comparison(images: Images, leads_K: NDArray[np.float64], seed: int, by_frames: bool = True) -> tuple[float, bool]:
    """The p-value, and whether the interval holds the truth; what is missing tells nothing apart."""
    generator = np.random.default_rng(seed)
    labels_N, frames_N = images.draw(generator)
    first_N, second_N = _right(generator, frames_N, np.stack([leads_K[labels_N], np.zeros(len(labels_N))]))
    units_N = frames_N if by_frames else np.arange(len(labels_N))
    found = compare_on_frames(first_N, second_N, labels_N, units_N, resamples=RESAMPLES)
    truth = float(stats.norm.cdf(leads_K / np.sqrt(1 + _SHARED**2 + _OWN**2)).mean()) - 0.5
    return 1.0 if found.p_value is None else found.p_value, found.interval is None or truth in found.interval


def _regrets(images: Images, seed: int) -> tuple[float, float]:
    generator = np.random.default_rng(seed)
    labels_N, frames_N = images.draw(generator)
    right_MN = torch.tensor(_right(generator, frames_N, np.full((8, len(labels_N)), 0.3)))
    target = TargetLabels(torch.tensor(labels_N), pa.chunked_array([frames_N.astype(str)]))
    found = cross_fitted_regrets({str(place): right_N for place, right_N in enumerate(right_MN)}, target)
    assert found is not None, "there are frames enough"
    of_class = [right_MN[:, target.labels_N == label].double().mean(dim=1) for label in set(labels_N.tolist())]
    balanced_M = torch.stack(of_class).mean(dim=0)
    return float(balanced_M.max() - balanced_M[0]), found["0"]


def _right(
    generator: np.random.Generator, frames_N: NDArray[np.int64], leads_MN: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Of which images M models are right, (M, N)."""
    frames = int(frames_N.max()) + 1
    hard_MF = generator.normal(0, _SHARED, frames) + generator.normal(0, _OWN, (len(leads_MN), frames))
    right_MN: NDArray[np.bool_] = leads_MN + hard_MF[:, frames_N] + generator.normal(size=leads_MN.shape) > 0
    return right_MN


def _share(hits: list[bool]) -> float:
    return float(np.mean(hits))


if __name__ == "__main__":
    main()
