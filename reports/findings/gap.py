"""How much of the gap between doing nothing and having the labels is closed, method by method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sfcmt.evaluation.oracles import SUPERVISED
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.runs import is_share, samples_of
from sfcmt.reports.statistics.estimates import Estimate, mean_of
from sfcmt.reports.statistics.intervals import t_interval
from sfcmt.reports.statistics.ratio import fieller
from sfcmt.reports.statistics.samples import Sample, differences_of, values_of

FLOOR, CEILING = "source_only", SUPERVISED
"""The arm without transfer, and the oracle that is trained on target labels."""


@dataclass(frozen=True)
class GapFinding:
    """One arm, or one oracle. What its values cannot give is None."""

    name: str
    is_oracle: bool
    mean: Estimate | None
    closed: Estimate | None
    """Mean of value - floor, over mean of ceiling - floor, of the seeds that have all three."""
    reason: str
    """Why there is none."""


def gap_findings(results: AblationResults) -> list[GapFinding]:
    """All arms in the order of the table, then the oracles; none if the study has no oracles or no floor."""
    samples = samples_of(results.runs, results.spec.test.column)
    if CEILING not in results.oracles or not samples.get(FLOOR):
        return []
    floor, ceiling, level = samples[FLOOR], results.oracles[CEILING], results.level
    found = []
    for name, sample in (samples | dict(results.oracles)).items():
        seeds = sorted(set(sample) & set(floor) & set(ceiling))
        reason = _no_gap({seed: floor[seed] for seed in seeds}, ceiling, level)
        closed = None if reason else _closed({seed: sample[seed] for seed in seeds}, floor, ceiling, level)
        mean = mean_of(sample, level, is_share(results.spec.test.column)) if sample else None
        found.append(GapFinding(name, name in results.oracles, mean, closed, reason))
    return found


def _no_gap(floor: Sample, ceiling: Sample, level: float) -> str:
    """Why there is no gap that a share could be of; empty if there is one."""
    if len(floor) < 2:
        return f"{len(floor)} seeds have a value of it, of {FLOOR} and of {CEILING}; 2 are needed"
    seeds, gap = differences_of(floor, ceiling)
    limits = t_interval(gap, level)
    assert limits is not None, "of two seeds or more"
    told = f"{100 * gap.mean():+.1f} points [{100 * limits.low:+.1f}, {100 * limits.high:+.1f}] over {len(seeds)} seeds"
    return "" if limits.low > 0 else f"{CEILING} is not clearly above {FLOOR}: {told}"


def _closed(sample: Sample, floor: Sample, ceiling: Sample, level: float) -> Estimate:
    seeds, value = values_of(sample)
    own, most = (value - _of(seeds, floor), _of(seeds, ceiling) - _of(seeds, floor))
    ratio = float(own.mean() / most.mean())
    return Estimate("ratio of means", ratio, len(seeds), seeds, fieller(own, most, level))


def _of(seeds: tuple[int, ...], sample: Sample) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([sample[seed] for seed in seeds])
