"""The objectives of a trial: label-free validators of its model, by themselves or against the anchors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch

from sfcmt.outputs import Outputs
from sfcmt.tuning.search.spec import ANCHOR_AGREEMENT, Objective
from sfcmt.validators import VALIDATORS, Validator, validators_for


class Judge:
    """Values of a trial's outputs; higher is better. The anchors do not change, so neither does what a value means."""

    def __init__(self, objective: Objective, anchors: Sequence[Outputs]) -> None:
        self._validators: dict[str, Validator] = dict(VALIDATORS.items())
        if anchors:
            self._validators[ANCHOR_AGREEMENT] = anchor_agreement(anchors)
        self._objectives = [self._validators[name] for name in objective.validators]
        if objective.ranks:
            self._objectives = [self._rank_ensemble(objective.ranks, anchors)]

    def __call__(self, outputs: Outputs) -> list[float]:
        """One value for each objective."""
        return [objective(outputs) for objective in self._objectives]

    def validations(self, outputs: Outputs) -> dict[str, float]:
        """What every validator says that has something to say."""
        silent = VALIDATORS.keys() - validators_for(outputs.has_pairs)
        return {name: validator(outputs) for name, validator in self._validators.items() if name not in silent}

    def _rank_ensemble(self, weights: Mapping[str, float], anchors: Sequence[Outputs]) -> Validator:
        """Weighted mean of the ranks among the anchors by several validators."""
        ranks = {name: rank_among([self._validators[name](anchor) for anchor in anchors]) for name in weights}

        def ensemble(outputs: Outputs) -> float:
            found = {name: rank(self._validators[name](outputs)) for name, rank in ranks.items()}
            return sum(weights[name] * rank for name, rank in found.items()) / sum(weights.values())

        return ensemble


def anchor_agreement(anchors: Sequence[Outputs]) -> Validator:
    """Agreement with what the anchors say together: EnsV (Hu et al. 2023) with a reference that does not move.

    mean_i 1[argmax p_i = argmax mean_a p_ai], a over the anchors; in [0, 1].
    """
    probabilities = torch.stack([anchor.target_logits.double().softmax(dim=1) for anchor in anchors])
    reference_N = probabilities.mean(dim=0).argmax(dim=1)

    def agreement(outputs: Outputs) -> float:
        return (outputs.target_logits.argmax(dim=1) == reference_N).double().mean().item()

    return agreement


def rank_among(scores: Sequence[float]) -> Callable[[float], float]:
    """A score's rank among `scores`: 0 for the lowest; with fractions between two, and on a straight line beyond.

    Beyond the ends a rank is worth the mean distance of the scores. Equal scores share their mean rank. The rank of NaN
    is NaN, and so is every rank among scores of which one is NaN.
    """
    ordered = np.sort(np.asarray(scores, dtype=float))
    distinct, first, count = np.unique(ordered, return_index=True, return_counts=True)
    ranks = first + (count - 1) / 2
    step = (ordered[-1] - ordered[0]) / max(1, len(ordered) - 1) or 1.0

    def rank(score: float) -> float:
        beyond = max(score - ordered[-1], 0.0) + min(score - ordered[0], 0.0)
        return float(np.interp(score, distinct, ranks) + beyond / step)

    return rank
