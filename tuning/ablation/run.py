"""Running an ablation. Crash-only: every way to die is survived by running the same command again.

Everything is read from the store in each round, so a study that goes on decides like an undisturbed one.
"""

from __future__ import annotations

import pyarrow as pa

from sfcmt.callbacks import Callback
from sfcmt.evaluation.oracles import oracle_recipes
from sfcmt.progress.lines import LOGGER
from sfcmt.stages.fit import DivergedError
from sfcmt.tuning.ablation.nuisance import search_nuisance
from sfcmt.tuning.ablation.results import oracles_of, results_of, to_bytes, values_of
from sfcmt.tuning.ablation.stopping import StoppingRule
from sfcmt.tuning.ablation.study import ORACLES, RESULTS, Ablation, Run
from sfcmt.tuning.training import train_stages


def run_ablation(ablation: Ablation, callback: Callback, jobs: int | None = None) -> pa.Table:
    """Train what is missing, `jobs` runs at a time, and write `results.arrow`; its table.

    The labels are opened when all is trained. Only a rule that adds seeds by an oracle's judgement opens them before:
    when all that it has asked for is trained, and to decide nothing but how many seeds more there are. Of nuisance
    fields the values are written by then.
    """
    test, jobs = ablation.spec.test, jobs or ablation.spec.resources.concurrent
    with ablation.driving():
        ablation.note_extension()
        search_nuisance(ablation, callback)
        counts = first_counts(ablation)
        _train(ablation, ablation.runs(counts), callback, jobs)
        while ablation.rule:
            with callback.doing("judging"):
                results = results_of(ablation, ablation.runs(counts), test.needs_labels)
            more = next_counts(ablation.rule, values_of(results, test.column), counts)
            if more == counts:
                break
            counts = more
            _train(ablation, ablation.runs(counts), callback, jobs)
        if ablation.spec.oracles:
            _write_oracles(ablation, max(counts.values()), callback, jobs)
        with callback.doing("judging"):
            results = results_of(ablation, ablation.runs(counts), opens_labels=True)
        ablation.write(RESULTS, to_bytes(results))
    return results


def first_counts(ablation: Ablation) -> dict[str, int]:
    """Seeds of each arm: all, or those of the first look."""
    seeds = ablation.spec.seeds if isinstance(ablation.spec.seeds, int) else ablation.spec.seeds.min
    return {arm.name: seeds for arm in ablation.design.arms}


def next_counts(rule: StoppingRule, values: dict[str, dict[int, float]], counts: dict[str, int]) -> dict[str, int]:
    """Seeds of each arm, the baseline first, after a look at the values by arm and seed.

    For each pair that a divergence has cost there is another seed, within the budget.
    """
    baseline, *arms = counts
    more = dict(counts)
    for arm in arms:
        paired = sorted(values[arm].keys() & values[baseline].keys())  # a run that diverged has no value
        differences = [values[arm][seed] - values[baseline][seed] for seed in paired]
        decision = rule.decide(differences)
        if decision.verdict == "go on":
            lost = counts[arm] - len(paired)
            more[arm] = min((rule.next_look(decision.n) or 0) + lost, rule.looks[-1])
    return more | {baseline: max(more.values())}


def _train(ablation: Ablation, runs: list[Run], callback: Callback, jobs: int | None) -> None:
    """Obtain every run, seed by seed, but those that diverge."""
    ablation.note_found(runs)
    by_seed = sorted(runs, key=lambda run: run.seed)
    while True:
        recipes = [run.recipe for run in by_seed if run.recipe.identity not in ablation.diverged]
        try:
            return train_stages(recipes, ablation.experiment.runtime, ablation.store, callback, jobs)
        except DivergedError as error:
            LOGGER.info(f"{error}; what stands on it is left out")
            ablation.note_diverged(runs, error)


def _write_oracles(ablation: Ablation, seeds: int, callback: Callback, jobs: int | None) -> None:
    """What the labels themselves could teach, under the same seeds: trained when nothing is left to choose."""
    recipes = oracle_recipes(ablation.experiment, ablation.dataset, ablation.checked.seeds(seeds))
    train_stages(recipes, ablation.experiment.runtime, ablation.store, callback, jobs)
    ablation.write(ORACLES, to_bytes(oracles_of(ablation, recipes)))
