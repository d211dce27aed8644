"""How each validator would have chosen from pools of models: the trials of a search, the arms of an ablation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sfcmt.reports.sources.results import Results
from sfcmt.reports.sources.runs import ORACLE, VALIDATOR, Run
from sfcmt.reports.sources.search import SearchResults
from sfcmt.tuning.search.scoring import RANKED_FROM, accountability_of


@dataclass(frozen=True)
class Pool:
    """Models of one seed that a validator could have chosen from."""

    name: str
    seed: int
    models: int
    judged: Mapping[str, Any]
    """As in `scores.json`."""


def pools_of(results: Results) -> list[Pool]:
    """A search is one pool if it has been scored; in an ablation the arms of each seed are one."""
    if isinstance(results, SearchResults):
        scored = results.scores
        if not scored:
            return []
        trials = sum(name.isdigit() for name in scored["oracle_balanced_accuracy"])
        return [Pool(scored["study"], results.experiment.seed, trials, _told(scored, trials))]
    found = {seed: _pool(results, seed) for seed in results.seeds}
    return [pool for pool in found.values() if pool]


def _told(scored: Mapping[str, Any], trials: int) -> Mapping[str, Any]:
    """Without the rank correlations of too few trials that older releases wrote down."""
    if trials >= RANKED_FROM:
        return scored
    validators = {name: found | {"spearman": None} for name, found in scored["validators"].items()}
    return {**scored, "validators": validators}


def _pool(results: Results, seed: int) -> Pool | None:
    """None if there is nothing to choose from, or nothing to judge by."""
    runs = {run.arm: run for run in results.runs if run.seed == seed and f"{ORACLE}balanced_accuracy" in run.scores}
    if len(runs) < 2:
        return None
    balanced = {arm: run.scores[f"{ORACLE}balanced_accuracy"] for arm, run in runs.items()}
    name = f"{results.folder.name} seed {seed}"
    validators = {
        column.removeprefix(VALIDATOR): accountability_of(
            {arm: run.scores[column] for arm, run in runs.items()}, balanced, list(runs)
        )
        for column in _common(list(runs.values()))
    }
    return Pool(name, seed, len(runs), {"study": name, "validators": validators})


def _common(runs: list[Run]) -> list[str]:
    """Validators that have a value for all of them."""
    names = [name for name in runs[0].scores if name.startswith(VALIDATOR)]
    return [name for name in names if all(name in run.scores for run in runs)]
