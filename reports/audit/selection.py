"""Several candidates by the same labels: their intervals hold together, and the winner's estimate is optimistic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from sfcmt.reports.audit.draw import Classes, Draw
from sfcmt.reports.audit.estimates import Estimate, estimate
from sfcmt.reports.audit.outcomes import Answers
from sfcmt.reports.statistics.samples import StatisticsError


@dataclass(frozen=True)
class Selection:
    """Candidates side by side."""

    estimates: Mapping[str, Estimate]
    """By name, the largest value first; intervals are of `single_level`."""
    winner: str
    is_optimistic: bool
    """Whether the winner's value was chosen as the largest of several, and so is expected to be too large."""
    level: float
    """With which all intervals hold at once."""
    single_level: float
    """Of each interval by itself (Bonferroni): 1 - (1 - level) / candidates."""


def select(
    draw: Draw,
    answers: Answers,
    candidates: Mapping[str, Classes],
    against_N: Classes | None = None,
    frames_N: NDArray[Any] | None = None,
    level: float = 0.95,
    extended: bool = False,
) -> Selection:
    """Estimate each candidate's accuracy, or its difference from one model (`against_N`). Raises `StatisticsError`.

    candidates: predictions (N,) by name. None with an answered image cannot be chosen among.
    """
    if not candidates:
        raise StatisticsError("candidates: at least one is needed")
    single = 1 - (1 - level) / len(candidates)
    found = {
        name: estimate(draw, answers, predicted_N, against_N, frames_N, single, extended)
        for name, predicted_N in candidates.items()
    }
    if any(one.value is None for one in found.values()):
        raise StatisticsError("no label was told: there is nothing to choose by")
    ranked = dict(sorted(found.items(), key=lambda item: (-(item[1].value or 0.0), item[0])))
    return Selection(ranked, next(iter(ranked)), len(candidates) > 1, level, single)
