"""Which images to label, in the order of labelling: rounds, each with one image of every cell.

The images, in the order of predicted class and of confidence within it, are cut into cells of equal size; each round
labels a random image of every cell. So any whole number of rounds is a stratified sample with proportional allocation,
and a larger draw begins with a smaller one. A simple random draw is the same with one cell.

Active testing (Farquhar et al. 2021, Kossen et al. 2021; by the square root of the chance of an error: Sawade et al.
2010) and confidence as control variate (Angelopoulos et al. 2023) are no proposals: on real predictions the one does
worse than random draws, and the other no better than strata (`benchmarks/audit_coverage.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sfcmt.reports.statistics.samples import Array, StatisticsError

Proposal = Literal["stratified", "random"]
Question = Literal["accuracy", "difference"]
CELLS: dict[str, int] = {"stratified": 10, "random": 1}
"""Images of a round; a look is possible after each."""
Classes = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Draw:
    """Rows to label, and the design that they were drawn by: all that an estimate has to know."""

    question: Question
    proposal: Proposal
    images: int
    """N, that the estimate is about."""
    seed: int
    rows: tuple[int, ...]
    """In the order of labelling; their number is the planned one."""
    cells: tuple[int, ...]
    """The cell of each of `rows`."""
    sizes: tuple[int, ...]
    """Images of each cell. Images in no cell are known to contribute 0 to a difference."""

    @property
    def drawable(self) -> int:
        """Images that might have been drawn."""
        return sum(self.sizes)

    def document(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @staticmethod
    def of(document: Mapping[str, Any]) -> Draw:
        """What `document` gave, also after a passage through JSON."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
        }
        return Draw(**values)


def draw(
    predicted_N: Classes,
    n: int,
    seed: int,
    proposal: Proposal = "stratified",
    against_N: Classes | None = None,
    confidence_N: Array | None = None,
) -> Draw:
    """Draw n of N images, or all if there are fewer. Raises `StatisticsError`.

    predicted_N: class that the audited model predicts. against_N: that of a second model, if the question is by how
    much they differ in accuracy: only images on which they differ are drawn. confidence_N: orders the images of a
    class; the difference of the two largest logits is the same on every machine. A seed gives the same order always.
    """
    _check(predicted_N, n, seed, proposal, against_N, confidence_N)
    second_N = predicted_N if against_N is None else against_N
    drawable = np.flatnonzero(predicted_N != against_N) if against_N is not None else np.arange(len(predicted_N))
    raw = np.random.PCG64(seed).random_raw((3, len(predicted_N)))  # whose stream numpy keeps, unlike a Generator's
    within, place, turn = raw[:, drawable]
    finest = within if confidence_N is None else confidence_N[drawable]
    ordered = np.lexsort((finest, second_N[drawable], predicted_N[drawable]))
    sizes = np.array([len(part) for part in np.array_split(ordered, min(CELLS[proposal], len(drawable)))])
    cell, round_ = np.zeros((2, len(drawable)), dtype=np.int64)
    cell[ordered] = np.repeat(np.arange(len(sizes)), sizes)
    round_[np.lexsort((place, cell))] = np.arange(len(drawable)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    order = np.lexsort((turn, round_))[:n]
    return Draw(
        question="accuracy" if against_N is None else "difference",
        proposal=proposal,
        images=len(predicted_N),
        seed=seed,
        rows=tuple(drawable[order].tolist()),
        cells=tuple(cell[order].tolist()),
        sizes=tuple(sizes.tolist()),
    )


def _check(
    predicted_N: Classes, n: int, seed: int, proposal: str, against_N: Classes | None, confidence_N: Array | None
) -> None:
    if predicted_N.ndim != 1 or not len(predicted_N):
        raise StatisticsError(f"predictions of shape {predicted_N.shape}: (N,) of at least one image is needed")
    for other in (against_N, confidence_N):
        if other is not None and other.shape != predicted_N.shape:
            raise StatisticsError(f"{other.shape} beside predictions of shape {predicted_N.shape}: the same is needed")
    if proposal not in CELLS:
        raise StatisticsError(f"proposal {proposal}: one of {', '.join(CELLS)} is needed")
    if n < 1:
        raise StatisticsError(f"labels {n}: at least 1 is needed")
    if seed < 0:
        raise StatisticsError(f"seed {seed}: at least 0 is needed")
    if against_N is not None and np.array_equal(predicted_N, against_N):
        raise StatisticsError("the two models predict the same class of every image: they do not differ in accuracy")
