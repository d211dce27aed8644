"""What picks by few labels regret, over the number of labels: in points of class-balanced accuracy.

    python -m benchmarks.few_labels EXPERIMENT DATA [DATA ...] [--seeds 2] [--methods A,B,...] [--draws 1000]

Pools are the methods under one seed, as `sfcmt compare` trains them (what is missing is trained). Labels of simple
random draws of target images are handed in, and a draw's regret is that of the pick over all other images. Rules: the
few labels with the rank that gate and EnsV give together (what ships), with EnsV's rank only among those that pass the
gate, and with EnsV's rank of all; their plain accuracy, ties at random. At 0 labels these are the label-free picks, and
chance.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.pick_regret import METHODS
from sfcmt.callbacks import Callback
from sfcmt.evaluation.labels import open_labels
from sfcmt.experiment import load_experiment
from sfcmt.grounding.choice import choose
from sfcmt.grounding.evidence import PairEvidence
from sfcmt.grounding.gate import gate
from sfcmt.tuning.comparison import Comparison
from sfcmt.tuning.search.few_labels_pick import label_free_ranks
from sfcmt.validators import POOL_VALIDATORS

COUNTS = (0, 10, 20, 40, 80, 160)
RULES = ("few labels + gated ensv", "few labels + ensv, behind the gate", "few labels + ensv", "few labels alone")
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def regrets(
    right_MN: Bools, labels_N: NDArray[np.int64], passed_M: Bools, rank_RM: Floats, drawn_DN: Bools, seed: int
) -> dict[str, Floats]:
    """Regrets (D,) in points of each rule, over D draws of few labels among N images, for M models.

    passed_M: who passes the gate. rank_RM: label-free ranks for all rules but the last.
    """
    classes_NK = np.eye(labels_N.max() + 1)[labels_N]
    counts_DK = drawn_DN @ classes_NK
    recalls_DMK = np.stack([(drawn_DN & right_N) @ classes_NK for right_N in right_MN], axis=1)
    totals_MK = right_MN @ classes_NK
    rest_DK = np.maximum(classes_NK.sum(axis=0) - counts_DK, 1)
    true_DM = ((totals_MK - recalls_DMK) / rest_DK[:, None]).mean(axis=2)
    found = {}
    for rule, rank_M in zip(RULES, rank_RM, strict=False):
        shrunk_DM = ((recalls_DMK + rank_M[:, None]) / (counts_DK[:, None] + 1)).mean(axis=2)
        found[rule] = (np.where(passed_M, shrunk_DM, -np.inf) if "behind" in rule else shrunk_DM).argmax(axis=1)
    seen_DM = np.where(counts_DK[:, None] > 0, recalls_DMK / np.maximum(counts_DK[:, None], 1), 0).sum(axis=2)
    noise_DM = np.random.default_rng(seed).random(seen_DM.shape)
    found[RULES[-1]] = (seen_DM + 1e-9 * noise_DM).argmax(axis=1)
    best_D = true_DM.max(axis=1)
    return {rule: 100 * (best_D - true_DM[np.arange(len(true_DM)), pick_D]) for rule, pick_D in found.items()}


def draws(images: int, labels: int, count: int, seed: int) -> Bools:
    """Simple random draws (D, N)."""
    order_DN = np.random.default_rng(seed).random((count, images)).argsort(axis=1)
    drawn_DN = np.zeros((count, images), dtype=bool)
    np.put_along_axis(drawn_DN, order_DN[:, :labels], True, axis=1)
    return drawn_DN


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("experiment")
    parser.add_argument("data", nargs="+")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--draws", type=int, default=1000)
    arguments = parser.parse_args()
    print(f"| data, seed | rule | {' | '.join(map(str, COUNTS))} |\n|---|---|{'---|' * len(COUNTS)}")
    everything: dict[str, list[list[Floats]]] = {rule: [] for rule in RULES}
    for folder in arguments.data:
        experiment = load_experiment(arguments.experiment, [f"data={folder}"])
        comparison = Comparison(experiment, arguments.methods.split(","), range(arguments.seeds))
        comparison.train(Callback())
        labels_N = open_labels(comparison.dataset).labels_N.numpy()
        for seed, recipe in comparison.pair_evidence.items():
            artifact = comparison.store.find(recipe)
            assert artifact is not None
            pool = {cell.method: cell.outputs for cell in comparison.cells if cell.seed == seed}
            right_MN = np.stack([one.target_logits.argmax(dim=1).numpy() == labels_N for one in pool.values()])
            free = choose(pool, list(pool), gate(pool, PairEvidence.load(artifact.path)), POOL_VALIDATORS["ensv"])
            passed_M = np.array([name in free.scores for name in pool])
            whole = choose(pool, list(pool), None, POOL_VALIDATORS["ensv"])
            ranked = [label_free_ranks(one) for one in (free, free, whole)]
            rank_RM = np.array([[ranks[name] for name in pool] for ranks in ranked])
            curves = [
                regrets(right_MN, labels_N, passed_M, rank_RM, draws(len(labels_N), n, arguments.draws, n), seed)
                for n in COUNTS
            ]
            for rule in RULES:
                everything[rule].append([curve[rule] for curve in curves])
                print(f"| {Path(folder).name}, {seed} | {rule} | {_row(everything[rule][-1])} |", flush=True)
    for rule, pools in everything.items():
        print(f"| all, mean | {rule} | {_row([np.mean(one, axis=0) for one in zip(*pools, strict=True)])} |")


def _row(curve: Sequence[Floats]) -> str:
    return " | ".join(f"{one.mean():.1f} ({np.quantile(one, 0.9):.1f})" for one in curve)


if __name__ == "__main__":
    main()
