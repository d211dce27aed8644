"""What labels say of each image: whether the model is right there, and the worst case where nobody can tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sfcmt.reports.audit.draw import Classes, Draw
from sfcmt.reports.statistics.samples import Array, StatisticsError

Answers = Mapping[int, int | None]
"""True class by row; None where whoever labels cannot tell."""


@dataclass(frozen=True)
class Outcomes:
    """Of the n rows that were answered first; (n,) each, in the order of labelling."""

    rows_n: Classes
    labels_n: Classes
    """-1: cannot tell."""
    low_n: Array
    """1 right, 0 wrong; a difference: 1 first alone right, -1 second alone. Cannot tell: the least that it may be."""
    high_n: Array
    """The same but where nobody can tell: the most that it may be."""
    counts_N: Array
    """1 for the images that might have been drawn; a difference is 0 on the others."""
    least: int
    """0, or for a difference -1."""

    @property
    def told_n(self) -> NDArray[np.bool_]:
        """Whether a label was told."""
        return self.labels_n >= 0


def outcomes(draw: Draw, answers: Answers, predicted_N: Classes, against_N: Classes | None = None) -> Outcomes:
    """Join answers to predictions. Raises `StatisticsError`.

    Only answers without a gap before them, in the order of labelling, are used: who leaves hard images for later has
    not labelled a random sample yet.
    """
    _check(draw, answers, predicted_N, against_N)
    n = next((place for place, row in enumerate(draw.rows) if row not in answers), len(draw.rows))
    rows = np.array(draw.rows[:n], dtype=np.int64)
    labels = np.array([-1 if answers[row] is None else answers[row] for row in rows.tolist()], dtype=np.int64)
    first = predicted_N[rows]
    low, high = (first == labels).astype(np.float64), ((first == labels) | (labels < 0)).astype(np.float64)
    if against_N is not None:
        second = against_N[rows]
        told = low - (second == labels)
        unsure = ((labels < 0) & (first != second)).astype(np.float64)
        low, high = told - unsure, told + unsure
    counts = np.ones(draw.images) if draw.question == "accuracy" else (predicted_N != against_N).astype(np.float64)
    return Outcomes(rows, labels, low, high, counts, least=0 if against_N is None else -1)


def _check(draw: Draw, answers: Answers, predicted_N: Classes, against_N: Classes | None) -> None:
    for predicted in (predicted_N, against_N):
        if predicted is not None and predicted.shape != (draw.images,):
            raise StatisticsError(f"predictions of shape {predicted.shape}: the draw is of {draw.images} images")
    stranger = next((row for row in answers if row not in set(draw.rows)), None)
    if stranger is not None:
        raise StatisticsError(f"row {stranger}: it was not drawn")
    wrong = next((answer for answer in answers.values() if answer is not None and answer < 0), None)
    if wrong is not None:
        raise StatisticsError(f"answer {wrong}: a class index, or None for 'cannot tell', is needed")
    if draw.question == "difference" and against_N is None:
        raise StatisticsError("images on which two models differ were drawn: they say nothing of one model by itself")
    if draw.question == "difference" and np.sum(predicted_N != against_N) != draw.drawable:
        raise StatisticsError("images on which two models differ were drawn, and these are two others")
