"""How much of the gap between doing nothing and having the labels is closed, method by method."""

from __future__ import annotations

from dataclasses import dataclass

from sfcmt.evaluation.oracles import SUPERVISED
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.runs import samples_of
from sfcmt.reports.statistics.estimates import Estimate, mean_of
from sfcmt.reports.statistics.samples import Sample

FLOOR, CEILING = "source_only", SUPERVISED
"""The arm without transfer, and the oracle that is trained on target labels."""


@dataclass(frozen=True)
class GapFinding:
    """One arm, or one oracle. What its values cannot give is None."""

    name: str
    is_oracle: bool
    mean: Estimate | None
    closed: Estimate | None
    """(value - floor) / (ceiling - floor), seed by seed."""


def gap_findings(results: AblationResults) -> list[GapFinding]:
    """All arms in the order of the table, then the oracles; none if the study has no oracles or no floor."""
    samples = samples_of(results.runs, results.spec.test.column)
    if CEILING not in results.oracles or not samples.get(FLOOR):
        return []
    floor, ceiling = samples[FLOOR], results.oracles[CEILING]
    return [
        GapFinding(
            name,
            name in results.oracles,
            mean_of(sample, results.level) if sample else None,
            mean_of(closed, results.level) if (closed := _closed(sample, floor, ceiling)) else None,
        )
        for name, sample in (samples | dict(results.oracles)).items()
    ]


def _closed(sample: Sample, floor: Sample, ceiling: Sample) -> Sample:
    """Seeds without a gap, or without one of the three values, are left out."""
    seeds = [seed for seed in sample if seed in floor and ceiling.get(seed, floor[seed]) > floor[seed]]
    return {seed: (sample[seed] - floor[seed]) / (ceiling[seed] - floor[seed]) for seed in seeds}
