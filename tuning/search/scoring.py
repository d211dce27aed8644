"""Judging a study after its winner is written: what the labels say of each trial, and of each validator's taste."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from sfcmt.errors import DataError
from sfcmt.evaluation.cross_fit import cross_fitted_regrets
from sfcmt.evaluation.labels import has_labels, open_labels
from sfcmt.evaluation.scores import right_of, score
from sfcmt.grounding.choice import choose
from sfcmt.grounding.evidence import PairEvidence
from sfcmt.grounding.gate import ASSOCIATION, GATED, gate
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

    Of each validator: what its pick regrets, in class-balanced accuracy, against the best completed trial as it is seen
    and, cross-fitted, as it is (`sfcmt.evaluation.cross_fit`), and its rank correlation with that accuracy over the
    completed trials, from `RANKED_FROM` on. Raises `SearchError`, `DataError`.
    """
    selection = study.selection()
    dataset = study.dataset_now()
    if not has_labels(dataset):
        raise DataError(f"{dataset.folder}: has no sealed labels to score by")
    target = open_labels(dataset)
    labels_N = target.labels_N
    pool = dict(study.pool())
    judged = {name: score(one.target_logits, labels_N, one.held_out) for name, one in pool.items()}
    if distilled := study.distilled():
        outputs = Outputs.load(study.transfer(distilled["transfer"]))
        judged[DISTILLED] = score(outputs.target_logits, labels_N, outputs.held_out)
    balanced = {name: one.balanced_accuracy for name, one in judged.items()}
    trials = [name for name in pool if name.isdigit()]
    adapted = target.adapted_to(pool[trials[0]])
    right = {name: right_of(pool[name].adapted_to.target_logits, adapted.labels_N) for name in trials}
    fitted = cross_fitted_regrets(right, adapted)
    scores = {
        "study": study.identity,
        "winner": selection["winner"],
        "trials": selection["trials"],
        **{
            f"oracle_{figure}": {name: one.figures[figure] for name, one in judged.items()}
            for figure in judged[trials[0]].figures
        },
        "regret": max(balanced[name] for name in trials) - balanced[str(selection["winner"])],
        "cross_fitted_regret": fitted[str(selection["winner"])] if fitted else None,
        "worst_regret": max(balanced[name] for name in trials) - min(balanced[name] for name in trials),
        "validators": {
            name: accountability_of(dict(zip(pool, values, strict=True)), balanced, trials, fitted)
            for name, values in _validations(pool, study.pair_evidence()).items()
        },
    }
    study.write(SCORES, scores)
    return scores


def _validations(pool: dict[str, Outputs], evidence: PairEvidence | None) -> dict[str, list[float]]:
    outputs, anchors = list(pool.values()), [one for name, one in pool.items() if not name.isdigit()]
    own = validators_for(all(one.has_pairs for one in outputs))
    if anchors:
        own[ANCHOR_AGREEMENT] = anchor_agreement(anchors)
    pooled = {name: validator(outputs) for name, validator in POOL_VALIDATORS.items()}
    if evidence:
        pooled |= _gated(pool, evidence)
    return pooled | {name: [validator(one) for one in outputs] for name, validator in own.items()}


def _gated(pool: dict[str, Outputs], evidence: PairEvidence) -> dict[str, list[float]]:
    """The association with the pairs, and each pool validator behind the gate: who does not pass has no score."""
    passing = gate(pool, evidence)
    found = {ASSOCIATION: list(passing.associations.values())}
    for name, validator in POOL_VALIDATORS.items():
        scores = choose(pool, [member for member in pool if member.isdigit()], passing, validator).scores
        found[f"{GATED}{name}"] = [scores.get(member, -math.inf) for member in pool]
    return found


def accountability_of(
    values: Mapping[str, float],
    balanced: Mapping[str, float],
    trials: Sequence[str],
    fitted: Mapping[str, float] | None,
) -> dict[str, float | None]:
    """What a validator's pick among the trials regrets, and how its values rank with the balanced accuracy.

    `fitted` are the trials' cross-fitted regrets, if they are known. The rank correlation is None for less than
    `RANKED_FROM` trials, and where the values of either kind are all equal.
    """
    chosen = max(trials, key=lambda name: values[name] if np.isfinite(values[name]) else -np.inf)
    best = max(balanced[name] for name in trials)
    ours, truth = [values[name] for name in trials], [balanced[name] for name in trials]
    is_told = len(trials) >= RANKED_FROM and min(len(set(ours)), len(set(truth))) > 1
    is_ranked = is_told and bool(np.isfinite(ours).all())
    return {
        "regret": best - balanced[chosen],
        "cross_fitted_regret": fitted[chosen] if fitted else None,
        "spearman": float(spearmanr(ours, truth).statistic) if is_ranked else None,
    }
