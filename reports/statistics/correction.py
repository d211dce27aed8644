"""Several tests at once: p-values adjusted over the family of tests that are looked at together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from statsmodels.stats.multitest import multipletests

from sfcmt.reports.statistics.samples import StatisticsError

Correction = Literal["holm", "benjamini_hochberg", "none"]
_METHODS = {"holm": "holm", "benjamini_hochberg": "fdr_bh"}


@dataclass(frozen=True)
class Corrected:
    """One test as a member of its family."""

    p_value: float
    adjusted_p: float
    is_rejected: bool
    """Whether the null hypothesis is: adjusted_p <= alpha."""
    alpha: float
    correction: Correction
    family: int
    """Number of tests."""


def correct(p_values: Mapping[str, float], correction: Correction, alpha: float = 0.05) -> dict[str, Corrected]:
    """Adjust a family of p-values, by name. Raises `StatisticsError`.

    `holm` keeps the chance of any false rejection at alpha, under every dependence; `benjamini_hochberg` the expected
    share of false among all rejections: proven for independent tests, measured for arms that share a baseline.
    """
    for name, p_value in p_values.items():
        if not 0 <= p_value <= 1:
            raise StatisticsError(f"{name}: {p_value} is not a p-value")
    values = list(p_values.values())
    adjusted = values
    if correction != "none" and values:
        adjusted = multipletests(values, alpha, _METHODS[correction])[1].tolist()
    return {
        name: Corrected(p_value, after, after <= alpha, alpha, correction, len(values))
        for (name, p_value), after in zip(p_values.items(), adjusted, strict=True)
    }
