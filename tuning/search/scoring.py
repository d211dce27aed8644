"""Judging a study after its winner is written: what the labels say of each trial, and of each validator's taste."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import spearmanr

from sfcmt.errors import DataError
from sfcmt.evaluation.labels import has_labels, open_labels
from sfcmt.evaluation.scores import score
from sfcmt.outputs import Outputs
from sfcmt.tuning.search.distilling import DISTILLED
from sfcmt.tuning.search.judge import anchor_agreement
from sfcmt.tuning.search.spec import ANCHOR_AGREEMENT
from sfcmt.tuning.search.study import Study
from sfcmt.tuning.search.study_folder import SCORES
from sfcmt.validators import POOL_VALIDATORS, validators_for

RANKED_FROM = 5
"""Models below which there is no rank correlation: even a perfect one, up or down, is chance in more than 1 of 20."""


def score_study(study: Study) -> dict[str, Any]:
    """Open the labels (the selection being written), score the pool and the validators, and write `scores.json`.

    Of each validator: what its pick regrets, in class-balanced accuracy, against the best completed trial, and its rank
    correlation with that accuracy over the completed trials, from `RANKED_FROM` on. Raises `SearchError`, `DataError`.
    """
    selection = study.selection()
    dataset = study.dataset_now()
    if not has_labels(dataset):
        raise DataError(f"{dataset.folder}: has no sealed labels to score by")
    labels_N = open_labels(dataset).labels_N
    pool = dict(study.pool())
    judged = {name: score(outputs.target_logits, labels_N) for name, outputs in pool.items()}
    if distilled := study.distilled():
        outputs = Outputs.load(study.transfer(distilled["transfer"]))
        judged[DISTILLED] = score(outputs.target_logits, labels_N)
    balanced = {name: one.balanced_accuracy for name, one in judged.items()}
    trials = [name for name in pool if name.isdigit()]
    scores = {
        "study": study.identity,
        "winner": selection["winner"],
        "trials": selection["trials"],
        "oracle_accuracy": {name: one.accuracy for name, one in judged.items()},
        "oracle_balanced_accuracy": balanced,
        "regret": max(balanced[name] for name in trials) - balanced[str(selection["winner"])],
        "worst_regret": max(balanced[name] for name in trials) - min(balanced[name] for name in trials),
        "validators": {
            name: accountability_of(dict(zip(pool, values, strict=True)), balanced, trials)
            for name, values in _validations(pool).items()
        },
    }
    study.write(SCORES, scores)
    return scores


def _validations(pool: dict[str, Outputs]) -> dict[str, list[float]]:
    outputs, anchors = list(pool.values()), [one for name, one in pool.items() if not name.isdigit()]
    own = validators_for(all(one.has_pairs for one in outputs))
    if anchors:
        own[ANCHOR_AGREEMENT] = anchor_agreement(anchors)
    pooled = {name: validator(outputs) for name, validator in POOL_VALIDATORS.items()}
    return pooled | {name: [validator(one) for one in outputs] for name, validator in own.items()}


def accountability_of(
    values: dict[str, float], balanced: dict[str, float], trials: list[str]
) -> dict[str, float | None]:
    """What a validator's pick among the trials regrets, and how its values rank with the balanced accuracy.

    The latter is None for less than `RANKED_FROM` trials, and where the values of either kind are all equal.
    """
    chosen = max(trials, key=lambda name: values[name] if np.isfinite(values[name]) else -np.inf)
    best = max(balanced[name] for name in trials)
    ours, truth = [values[name] for name in trials], [balanced[name] for name in trials]
    is_told = len(trials) >= RANKED_FROM and min(len(set(ours)), len(set(truth))) > 1
    is_ranked = is_told and bool(np.isfinite(ours).all())
    return {
        "regret": best - balanced[chosen],
        "spearman": float(spearmanr(ours, truth).statistic) if is_ranked else None,
    }
