"""How each validator would have chosen from pools of models: the trials of a search, the arms of an ablation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sfcmt.data.opening import SYNTHETIC
from sfcmt.reports.sources.results import Results
from sfcmt.reports.sources.runs import ORACLE, VALIDATOR, Run
from sfcmt.reports.sources.search import SearchResults
from sfcmt.reports.statistics.accountability import CROSS_FITTED, SPEARMAN, Pool
from sfcmt.tuning.ablation.results import REGRET_COLUMN
from sfcmt.tuning.search.scoring import RANKED_FROM, accountability_of
from sfcmt.validators import has_seen

Validators = Mapping[str, Mapping[str, float | None]]


def pools_of(studies: Sequence[Results]) -> list[Pool]:
    """A search is one pool if it has been scored; in an ablation the arms of each seed are one.

    Data sets of one name are told apart by their digests.
    """
    digests: dict[str, set[str]] = {}
    for results in studies:
        digests.setdefault(results.data, set()).add(results.digest)
    return [
        _pool(results, *found, name=results.data if len(digests[results.data]) == 1 else _with_digest(results))
        for results in studies
        for found in (_searched(results) if isinstance(results, SearchResults) else _seeds(results))
    ]


def _with_digest(results: Results) -> str:
    return f"{results.data} {results.digest[:6]}"


def _pool(results: Results, own: str, seed: int, models: int, validators: Validators, name: str) -> Pool:
    shaped = {one for one in validators if has_seen(one, results.data, results.digest)}
    return Pool(own, seed, models, name, results.data == SYNTHETIC, shaped, validators)


def _searched(results: SearchResults) -> list[tuple[str, int, int, Validators]]:
    scored = results.scores
    if not scored:
        return []
    trials = sum(name.isdigit() for name in scored["oracle_balanced_accuracy"])
    return [(scored["study"], results.experiment.seed, trials, _told(scored, trials))]


def _told(scored: Mapping[str, Any], trials: int) -> Validators:
    """Older releases wrote no cross-fitted regrets, and rank correlations of too few trials."""
    known: dict[str, dict[str, float | None]] = scored["validators"]
    unranked = {SPEARMAN: None} if trials < RANKED_FROM else {}
    return {name: {CROSS_FITTED: None} | found | unranked for name, found in known.items()}


def _seeds(results: Results) -> list[tuple[str, int, int, Validators]]:
    """None of a seed where there is nothing to choose from, or nothing to judge by."""
    pools = []
    for seed in results.seeds:
        runs = {run.arm: run for run in results.runs if run.seed == seed and f"{ORACLE}balanced_accuracy" in run.scores}
        if len(runs) > 1:
            pools.append((f"{results.folder.name} seed {seed}", seed, len(runs), _judged(runs)))
    return pools


def _judged(runs: Mapping[str, Run]) -> Validators:
    balanced = {arm: run.scores[f"{ORACLE}balanced_accuracy"] for arm, run in runs.items()}
    fitted = {arm: run.scores[REGRET_COLUMN] for arm, run in runs.items() if REGRET_COLUMN in run.scores}
    return {
        column.removeprefix(VALIDATOR): accountability_of(
            {arm: run.scores[column] for arm, run in runs.items()}, balanced, list(runs), fitted or None
        )
        for column in _common(list(runs.values()))
    }


def _common(runs: list[Run]) -> list[str]:
    """Validators that have a value for all of them."""
    names = [name for name in runs[0].scores if name.startswith(VALIDATOR)]
    return [name for name in names if all(name in run.scores for run in runs)]
