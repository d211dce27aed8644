"""Main effects and interactions of a two-level design, full or fractional, with the seeds as blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import statsmodels.api as sm
from numpy.typing import NDArray

from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.statistics.samples import Array, StatisticsError


@dataclass(frozen=True)
class Effect:
    """What a factor's change does, or how far two changes depend on each other."""

    name: str
    """`a`, or `a:b` for an interaction."""
    value: float
    """Mean with the change minus mean without it; for `a:b` half the difference of a's effects with and without b."""
    interval: Interval
    p_value: float
    aliases: tuple[str, ...]
    """Effects that the design cannot tell from this one, with the sign with which they enter it: `-b:c`."""


@dataclass(frozen=True)
class FactorialAnalysis:
    """All effects that a design can tell apart, main effects first."""

    effects: tuple[Effect, ...]
    arms: int
    seeds: tuple[int, ...]
    n: int
    """Runs that were used: arms times seeds less missing ones."""
    missing: int
    residual_df: int
    test: str = "t of ordinary least squares, seeds as blocks"


def factorial_effects(
    factors: Sequence[str], signs_AF: NDArray[np.int_], values_AS: Array, seeds: Sequence[int], level: float = 0.95
) -> FactorialAnalysis:
    """Estimate effects from A arms of F factors (-1 own setting, +1 changed) and their values under S seeds.

    Missing runs are NaN. Interactions of three and more factors are taken to be 0; of effects that are aliased, the
    first by order is estimated and names the others (Box, Hunter and Hunter 2005, chapters 5 and 6). Raises
    `StatisticsError`.
    """
    expected = (len(signs_AF), len(seeds))
    if signs_AF.shape[1:] != (len(factors),) or values_AS.shape != expected or not np.isin(signs_AF, (-1, 1)).all():
        raise StatisticsError(
            f"signs {signs_AF.shape}, values {values_AS.shape}: -1 or 1 for each arm and factor, {expected} are needed"
        )
    columns, aliases = _distinct(_contrasts(factors, signs_AF))
    blocks = np.tile(np.eye(len(seeds)), (len(signs_AF), 1))
    effects = np.repeat(np.stack(list(columns.values()), axis=1), len(seeds), axis=0)
    design, outcome = np.hstack([blocks, effects]), values_AS.ravel()
    known = np.isfinite(outcome)
    if known.sum() <= np.linalg.matrix_rank(design[known]) or np.linalg.matrix_rank(design[known]) < design.shape[1]:
        raise StatisticsError(f"{known.sum()} runs cannot estimate {len(columns)} effects of {len(seeds)} seeds")
    fit = sm.OLS(outcome[known], design[known]).fit()
    limits = 2 * fit.conf_int(1 - level)
    found = [
        Effect(
            name,
            float(2 * fit.params[place]),
            Interval(float(limits[place, 0]), float(limits[place, 1]), level, "t of ordinary least squares"),
            float(fit.pvalues[place]),
            aliases[name],
        )
        for place, name in enumerate(columns, start=len(seeds))
    ]
    residual_df = int(fit.df_resid)
    return FactorialAnalysis(
        tuple(found), len(signs_AF), tuple(seeds), int(known.sum()), int((~known).sum()), residual_df
    )


def _contrasts(factors: Sequence[str], signs_AF: NDArray[np.int_]) -> dict[str, NDArray[np.int_]]:
    """Column (A,) of each main effect and each two-factor interaction."""
    main = {factor: signs_AF[:, place] for place, factor in enumerate(factors)}
    return main | {f"{a}:{b}": main[a] * main[b] for a, b in combinations(factors, 2)}


def _distinct(
    contrasts: dict[str, NDArray[np.int_]],
) -> tuple[dict[str, NDArray[np.int_]], dict[str, tuple[str, ...]]]:
    """The columns that differ by more than a sign, and what is aliased with each."""
    kept: dict[str, NDArray[np.int_]] = {}
    aliases: dict[str, tuple[str, ...]] = {}
    for name, column in contrasts.items():
        if np.abs(column.sum()) == len(column):
            raise StatisticsError(f"{name} is the same in all arms: it has no effect that could be seen")
        twin = next((other for other in kept if abs(int(column @ kept[other])) == len(column)), None)
        if twin is None:
            kept[name], aliases[name] = column, ()
        else:
            sign = "" if column @ kept[twin] > 0 else "-"
            aliases[twin] += (f"{sign}{name}",)
    return kept, aliases
