"""The difference between two arms that share their seeds."""

from __future__ import annotations

from dataclasses import dataclass

from sfcmt.reports.statistics.effect_sizes import corrected_d, rank_biserial
from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.statistics.intervals import t_interval
from sfcmt.reports.statistics.paired_tests import Test, run_test
from sfcmt.reports.statistics.samples import Sample, differences_of, is_constant
from sfcmt.tuning.ablation.min_p_value import TestKind


@dataclass(frozen=True)
class Difference:
    """`second - first`, seed by seed."""

    mean: float
    n: int
    seeds: tuple[int, ...]
    unpaired: tuple[int, ...]
    """Seeds that only one arm has: they are not used."""
    interval: Interval | None
    test: Test | None
    """None, as the interval, for a single pair, and for differences that do not vary but are not 0."""
    corrected_d: float | None
    rank_biserial: float


def compare(first: Sample, second: Sample, test: TestKind = "paired_t", level: float = 0.95) -> Difference:
    """Compare two arms over the seeds that both have. Raises `StatisticsError` if there is none."""
    seeds, differences = differences_of(first, second)
    return Difference(
        mean=float(differences.mean()),
        n=len(seeds),
        seeds=seeds,
        unpaired=tuple(sorted(set(first) ^ set(second))),
        interval=None if differences.any() and is_constant(differences) else t_interval(differences, level),
        test=run_test(test, differences),
        corrected_d=corrected_d(differences),
        rank_biserial=rank_biserial(differences),
    )
