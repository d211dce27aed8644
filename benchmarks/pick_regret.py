"""What label-free rules regret where models of several methods are in a pool: in points of class-balanced accuracy.

    python -m benchmarks.pick_regret EXPERIMENT DATA [DATA ...] [--seeds 2] [--methods A,B,...]

Pools are the methods under one seed, as `sfcmt compare` trains them (what is missing is trained), and all sub-pools of
three or more of them. Labels are opened to judge, after each rule has chosen.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from pathlib import Path
from statistics import fmean

from sfcmt.callbacks import Callback
from sfcmt.evaluation.labels import open_labels
from sfcmt.evaluation.scores import score
from sfcmt.experiment import load_experiment
from sfcmt.grounding.choice import choose
from sfcmt.grounding.evidence import PairEvidence
from sfcmt.grounding.gate import ASSOCIATION, gate
from sfcmt.outputs import Outputs
from sfcmt.tuning.comparison import Comparison
from sfcmt.validators import POOL_VALIDATORS, PoolValidator, Validator, validators_for

METHODS = "source_only,bn_adapt,ti_distillation,shot,socket,robust_tgkt"
Rule = Callable[[Mapping[str, Outputs]], str]


def rules(evidence: PairEvidence) -> dict[str, Rule]:
    """Each way to choose, by name; the shipped one last."""
    found: dict[str, Rule] = {name: _best_one(one) for name, one in validators_for(has_pairs=True).items()}
    found |= {name: _best_of_pool(one) for name, one in POOL_VALIDATORS.items()}
    found[ASSOCIATION] = lambda pool: _best(gate(pool, evidence).associations)
    found["gate, then ensv"] = lambda pool: (
        choose(pool, list(pool), gate(pool, evidence), POOL_VALIDATORS["ensv"]).winner
    )
    return found


def _best_one(validator: Validator) -> Rule:
    return lambda pool: _best({name: validator(outputs) for name, outputs in pool.items()})


def _best_of_pool(validator: PoolValidator) -> Rule:
    return lambda pool: _best(dict(zip(pool, validator(list(pool.values())), strict=True)))


def _best(values: Mapping[str, float]) -> str:
    return max(values, key=lambda name: values[name])


def subpools(pool: Mapping[str, Outputs]) -> Iterator[Mapping[str, Outputs]]:
    """All of three members or more."""
    for size in range(3, len(pool) + 1):
        for names in combinations(pool, size):
            yield {name: pool[name] for name in names}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment")
    parser.add_argument("data", nargs="+")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--methods", default=METHODS)
    arguments = parser.parse_args()
    whole: dict[str, dict[str, list[float]]] = {}
    parts: dict[str, dict[str, list[float]]] = {}
    for folder in arguments.data:
        experiment = load_experiment(arguments.experiment, [f"data={folder}"])
        comparison = Comparison(experiment, arguments.methods.split(","), range(arguments.seeds))
        comparison.train(Callback())
        labels_N = open_labels(comparison.dataset).labels_N
        for seed, recipe in comparison.pair_evidence.items():
            artifact = comparison.store.find(recipe)
            assert artifact is not None
            evidence = PairEvidence.load(artifact.path)
            cells = [cell for cell in comparison.cells if cell.seed == seed]
            pool = {cell.method: cell.outputs for cell in cells}
            right = {name: score(one.target_logits, labels_N).balanced_accuracy for name, one in pool.items()}
            for name, rule in rules(evidence).items():
                for members in subpools(pool):
                    regret = 100 * (max(right[one] for one in members) - right[rule(members)])
                    parts.setdefault(name, {}).setdefault(Path(folder).name, []).append(regret)
                    if len(members) == len(pool):
                        whole.setdefault(name, {}).setdefault(Path(folder).name, []).append(regret)
    names = [Path(folder).name for folder in arguments.data]
    print(f"| rule | {' | '.join(f'{name}: each seed; sub-pools mean, worst' for name in names)} |")
    print(f"|---|{'---|' * len(names)}")
    for name, found in whole.items():
        cells_of = (
            f"{', '.join(f'{one:.1f}' for one in found[data])}; {fmean(parts[name][data]):.1f}, "
            f"{max(parts[name][data]):.1f}"
            for data in names
        )
        print(f"| {name} | {' | '.join(cells_of)} |")


if __name__ == "__main__":
    main()
