"""The objectives of a trial: validators of its model, by themselves, against the anchors, or with few labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sfcmt.ensemble import mean_probabilities
from sfcmt.few_labels import FEW_LABELS, FewLabels
from sfcmt.outputs import Outputs
from sfcmt.tuning.search.spec import ANCHOR_AGREEMENT, Objective
from sfcmt.validators import VALIDATORS, Validator, on_images_adapted_to


class Judge:
    """Judges a trial's outputs by the validators that the objective is made of, and computes no other.

    The anchors do not change, so neither does what a value means.
    """

    def __init__(self, objective: Objective, anchors: Sequence[Outputs], few_labels: FewLabels | None = None) -> None:
        known: dict[str, Validator] = dict(VALIDATORS.items())
        if anchors:
            known[ANCHOR_AGREEMENT] = anchor_agreement(anchors)
        self._validators = {name: known[name] for name in objective.validators}
        self._few_labels, self._middle = few_labels, (len(anchors) - 1) / 2
        self._weights = objective.ranks or (dict.fromkeys(objective.validators, 1.0) if few_labels else {})
        self._ranks = {name: rank_among([known[name](anchor) for anchor in anchors]) for name in self._weights}

    def validations(self, outputs: Outputs) -> dict[str, float]:
        """What each of the validators, and the few labels, say; higher is better."""
        found = {name: validator(outputs) for name, validator in self._validators.items()}
        return found | ({FEW_LABELS: self._few_labels.accuracy(outputs)} if self._few_labels else {})

    def objectives(self, validations: Mapping[str, float]) -> list[float]:
        """The values, or the weighted mean of their ranks among the anchors.

        With few labels that mean, on a logistic scale with the middle of the anchors at 1/2, is their label-free rank.
        """
        if not self._weights:
            return [*validations.values()]
        ranked = sum(weight * self._ranks[name](validations[name]) for name, weight in self._weights.items())
        rank = ranked / sum(self._weights.values())
        if not self._few_labels:
            return [rank]
        in_unit = (1 + math.tanh((rank - self._middle) / 2)) / 2
        return [self._few_labels.combined(validations[FEW_LABELS], in_unit)]


def anchor_agreement(anchors: Sequence[Outputs]) -> Validator:
    """Agreement with what the anchors say together: EnsV (Hu et al. 2023) with a reference that does not move.

    mean_i 1[argmax p_i = argmax mean_a p_ai], a over the anchors; in [0, 1].
    """
    reference_N = mean_probabilities(anchor.adapted_to for anchor in anchors).argmax(dim=1)

    @on_images_adapted_to
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
