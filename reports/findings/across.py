"""Several studies side by side: each arm's runs on each data set. Arms are matched by their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sfcmt.data.opening import SYNTHETIC
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.evidence import Provenance
from sfcmt.reports.sources.results import Results
from sfcmt.reports.sources.runs import ORACLE, VALIDATOR, Run
from sfcmt.reports.sources.search import SearchResults
from sfcmt.reports.statistics.samples import Sample

BySeed = dict[str, dict[str, Sample]]
"""Values by arm, study and seed."""


@dataclass(frozen=True)
class Across:
    """One column of scores over studies."""

    column: str
    studies: tuple[str, ...]
    values: BySeed
    differences: BySeed
    """From the same study's baseline, by seed; oracles have none."""
    provenances: dict[str, dict[str, Provenance]]
    pooled: tuple[str, ...]
    """Studies whose runs are also looked at together: not those on synthetic data, where there are others."""
    is_poolable: bool
    """Whether each study has a data set of its own: otherwise runs might be counted twice."""


def across(studies: Mapping[str, Results]) -> Across:
    """Studies by label, compared by what the first one compares: an ablation by its test, else balanced accuracy."""
    column = _column(next(iter(studies.values())))
    values: BySeed = {}
    differences: BySeed = {}
    provenances: dict[str, dict[str, Provenance]] = {}
    for label, results in studies.items():
        base = _sample([run for run in results.runs if run.is_baseline], column)
        for arm, runs in arms_of(results).items():
            sample = values.setdefault(arm, {})[label] = _sample(runs, column)
            provenances.setdefault(arm, {})[label] = _origin(results, runs)
            if not any(run.is_baseline for run in runs):
                paired = {seed: value - base[seed] for seed, value in sample.items() if seed in base}
                differences.setdefault(arm, {})[label] = paired
        for oracle, sample in (results.oracles if isinstance(results, AblationResults) else {}).items():
            values.setdefault(oracle, {})[label] = sample
            provenances.setdefault(oracle, {})[label] = results.provenance
    digests = {results.digest for results in studies.values()}
    real = tuple(label for label, results in studies.items() if results.data != SYNTHETIC)
    is_poolable = len(digests) == len(studies)
    return Across(column, tuple(studies), values, differences, provenances, real or tuple(studies), is_poolable)


def _sample(runs: list[Run], column: str) -> Sample:
    return {run.seed: run.scores[column] for run in runs if column in run.scores}


def _column(results: Results) -> str:
    if isinstance(results, AblationResults):
        return results.spec.test.column
    if isinstance(results, SearchResults) and results.scores is None:
        return f"{VALIDATOR}{results.selection['pick']}"
    return f"{ORACLE}balanced_accuracy"


def arms_of(results: Results) -> dict[str, list[Run]]:
    """Of a search only its winner and its anchors: the other trials are not comparable from study to study."""
    if isinstance(results, SearchResults):
        return {f"{results.method} (winner)": [results.winner]} | {run.arm: [run] for run in results.rivals}
    return {arm: results.runs_of(arm) for arm in results.arms}


def _origin(results: Results, runs: list[Run]) -> Provenance:
    return results.pick if isinstance(results, SearchResults) and runs == [results.winner] else results.provenance
