"""Whether label-free validators chose well: their regret and rank correlation over several studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.statistics.intervals import bootstrap_interval, mean
from sfcmt.reports.statistics.samples import StatisticsError

MIN_STUDIES = 3
"""Studies below which a mean has no interval."""


@dataclass(frozen=True)
class StudyMean:
    """A mean over the studies that have the value; None, with n = 0, if none has."""

    value: float | None
    n: int
    interval: Interval | None
    """Over studies, not seeds; None below `MIN_STUDIES`."""


@dataclass(frozen=True)
class Accountability:
    """One validator, judged by the labels after all selections were written. Regrets are in class-balanced accuracy."""

    validator: str
    studies: tuple[str, ...]
    regret: StudyMean
    """Best trial minus the one that the validator would have picked."""
    worst_regret: float
    """Its largest in any of the studies."""
    spearman: StudyMean
    """Rank correlation over the trials; studies whose trials could not be ranked are left out."""


def accountability(scores: Sequence[Mapping[str, Any]], level: float = 0.95) -> list[Accountability]:
    """A row for each validator, the smallest mean regret first, from the contents of several `scores.json`.

    A validator that only some of the studies know is judged by those. Raises `StatisticsError` if a study comes twice.
    """
    identities = [document["study"] for document in scores]
    if len(set(identities)) < len(identities):
        raise StatisticsError(f"studies {', '.join(identities)}: one of them comes twice")
    names = dict.fromkeys(name for document in scores for name in document["validators"])
    rows = [_row(name, [one for one in scores if name in one["validators"]], level) for name in names]
    return sorted(rows, key=lambda row: (row.regret.value, row.validator))


def _row(name: str, scores: list[Mapping[str, Any]], level: float) -> Accountability:
    regrets = [document["validators"][name]["regret"] for document in scores]
    ranks = [document["validators"][name]["spearman"] for document in scores]
    return Accountability(
        validator=name,
        studies=tuple(document["study"] for document in scores),
        regret=_mean(regrets, level),
        worst_regret=max(regrets),
        spearman=_mean([rank for rank in ranks if rank is not None], level),
    )


def _mean(values: list[float], level: float) -> StudyMean:
    if not values:
        return StudyMean(None, 0, None)
    array = np.array(values, dtype=np.float64)
    interval = bootstrap_interval((array,), mean, level) if len(values) >= MIN_STUDIES else None
    return StudyMean(float(array.mean()), len(values), interval)
