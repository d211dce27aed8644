"""Two models on the same images: McNemar's test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.contingency_tables import mcnemar

from sfcmt.reports.statistics.samples import StatisticsError


@dataclass(frozen=True)
class McNemar:
    """Of n images: how many one model alone has right, and the exact p-value of that being a fair coin's."""

    n: int
    only_first: int
    only_second: int
    p_value: float
    name: str = "McNemar, exact"


def compare_predictions(first_N: NDArray[np.bool_], second_N: NDArray[np.bool_]) -> McNemar:
    """Compare whether two models are right on the same N images, (N,) each. Raises `StatisticsError`.

    Its units are images, not seeds: it tells two trained models apart, and nothing of the methods that trained them.
    """
    if first_N.shape != second_N.shape or first_N.ndim != 1:
        raise StatisticsError(f"predictions of shapes {first_N.shape} and {second_N.shape}: (N,) twice is needed")
    table = np.array([[np.sum((first_N == a) & (second_N == b)) for b in (True, False)] for a in (True, False)])
    return McNemar(len(first_N), int(table[0, 1]), int(table[1, 0]), float(mcnemar(table, exact=True).pvalue))
