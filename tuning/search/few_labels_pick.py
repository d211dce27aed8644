"""Picking a model of a pool by few labels: what the gate of the pairs and a validator say is the label-free rank.

The gate shuts nobody out here: a good model may miss it by a hair, and many labels have to be able to say so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from sfcmt.few_labels import FewLabels
from sfcmt.grounding.choice import Choice
from sfcmt.outputs import Outputs


def pick_by_few_labels(
    few_labels: FewLabels, pool: Mapping[str, Outputs], candidates: Collection[str], label_free: Choice
) -> Choice:
    """The candidate that labels and label-free rank are for together; of equal ones, the first."""
    ranks = label_free_ranks(label_free)
    scores = {name: few_labels.combined(few_labels.accuracy(one), ranks[name]) for name, one in pool.items()}
    winner = max((name for name in pool if name in candidates), key=lambda name: scores[name])
    return replace(label_free, winner=winner, scores=scores)


def label_free_ranks(choice: Choice) -> dict[str, float]:
    """The share of a pool that each model is above, of equals, itself among them, half: in (0, 1).

    Those that the validator was asked about are in its order, above all others, who are in that of their association
    with the pairs. A score that is no number is the lowest.
    """
    associations = choice.gate.associations if choice.gate else {}
    rest = {name: value for name, value in associations.items() if name not in choice.scores}
    ranks = [*_ranks(rest), *(len(rest) + _ranks(choice.scores))]
    return {name: float(rank - 0.5) / len(ranks) for name, rank in zip([*rest, *choice.scores], ranks, strict=True)}


def _ranks(values: Mapping[str, float]) -> NDArray[np.float64]:
    finite = np.nan_to_num([*values.values()], nan=-np.inf, posinf=-np.inf)
    return np.asarray(rankdata(finite), dtype=np.float64)
