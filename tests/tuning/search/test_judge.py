"""The objectives of one trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from sfcmt.few_labels import FewLabels
from sfcmt.outputs import Outputs
from sfcmt.tuning.search.judge import Judge, rank_among
from sfcmt.tuning.search.spec import Objective
from sfcmt.validators import VALIDATORS


def outputs(probabilities: list[list[float]]) -> Outputs:
    """What a model that gives these class probabilities says."""
    logits = torch.tensor(probabilities).log()
    rest = torch.ones(2, logits.shape[1])
    return Outputs(logits, logits, rest, rest, rest, rest)


def judged(objective: Objective, trial: Outputs, anchors: Sequence[Outputs] | None = None) -> list[float]:
    judge = Judge(objective, ANCHORS if anchors is None else anchors)
    return judge.objectives(judge.validations(trial))


ANCHORS = [
    outputs([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.8, 0.2]]),
    outputs([[0.2, 0.8], [0.45, 0.55], [0.8, 0.2], [0.7, 0.3]]),
]
# means of the first class: 0.55, 0.425, 0.55, 0.75, so the anchors say together 0, 1, 0, 0


@pytest.mark.parametrize(
    ("first", "agreement"),
    [([0.6, 0.4, 0.6, 0.6], 1.0), ([0.6, 0.6, 0.4, 0.6], 0.5), ([0.4, 0.6, 0.4, 0.4], 0.0), ([0.9] * 4, 0.75)],
)
def test_agreement_with_what_the_anchors_say_together(first: list[float], agreement: float) -> None:
    trial = outputs([[p, 1 - p] for p in first])
    assert judged(Objective(validator="anchor_agreement"), trial) == [agreement]


def test_objectives_come_in_their_order() -> None:
    trial = outputs([[0.6, 0.4]] * 4)
    values = judged(Objective(validator=("infomax", "anchor_agreement")), trial)
    assert values == [VALIDATORS["infomax"](trial), 0.75]
    assert math.isfinite(values[0])


def test_validators_need_no_anchors() -> None:
    assert len(judged(Objective(validator="infomax"), outputs([[0.5, 0.5]]), [])) == 1


@pytest.mark.parametrize(
    ("scores", "score", "rank"),
    [
        ([3.0, 1.0, 2.0], 1.0, 0.0),
        ([3.0, 1.0, 2.0], 2.5, 1.5),
        ([0.0, 1.0, 5.0], 3.0, 1.5),
        ([0.0, 1.0, 5.0], 7.5, 3.0),
        ([0.0, 1.0, 5.0], -5.0, -2.0),
        ([1.0, 1.0, 2.0], 1.0, 0.5),
        ([1.0], 3.0, 2.0),
    ],
)
def test_a_rank_lies_between_and_beyond_the_scores(scores: list[float], score: float, rank: float) -> None:
    assert rank_among(scores)(score) == pytest.approx(rank)


def test_what_is_no_number_has_no_rank() -> None:
    assert math.isnan(rank_among([1.0, 2.0])(math.nan))
    assert math.isnan(rank_among([1.0, math.nan])(1.0))


def test_an_ensemble_of_ranks_is_their_weighted_mean() -> None:
    trial = outputs([[0.6, 0.4]] * 4)
    by_infomax = rank_among([VALIDATORS["infomax"](anchor) for anchor in ANCHORS])(VALIDATORS["infomax"](trial))
    # both anchors agree with what they say together in 3 of 4, and so does the trial: it shares their mean rank
    objective = Objective(ranks={"infomax": 3, "anchor_agreement": 1})
    assert judged(objective, trial) == [pytest.approx((3 * by_infomax + 0.5) / 4)]


FEW = FewLabels(("a", "b", "c"), (0, 2, 3), (0, 0, 1), ("cat", "dog"))
# weights 2/3 and 1/2 of the two classes: 7/12 of the estimate is their labels'


@pytest.mark.parametrize(
    ("objective", "rank"), [({}, 0.5), ({"validator": "infomax"}, None), ({"ranks": {"anchor_agreement": 2}}, 0.5)]
)
def test_few_labels_are_combined_with_the_rank_among_the_anchors(objective: dict[str, Any], rank: float | None) -> None:
    trial = outputs([[0.6, 0.4]] * 4)  # right on two of one class, and wrong on the one of the other
    if rank is None:
        by_infomax = rank_among([VALIDATORS["infomax"](anchor) for anchor in ANCHORS])(VALIDATORS["infomax"](trial))
        rank = 1 / (1 + math.exp(0.5 - by_infomax))
    judge = Judge(Objective(few_labels="l.csv", **objective), ANCHORS, FEW)
    validations = judge.validations(trial)
    assert validations["few_labels"] == pytest.approx((2 / 3) / (2 / 3 + 1 / 2))
    assert judge.objectives(validations) == [pytest.approx(((2 + rank) / 3 + rank / 2) / 2)]


def test_far_from_the_anchors_the_rank_outvotes_no_label() -> None:
    judge = Judge(Objective(few_labels="l.csv"), ANCHORS, FEW)
    (low,), (high,) = (judge.objectives({"anchor_agreement": far, "few_labels": 0.5}) for far in (-1e6, 1e6))
    assert (low, high) == pytest.approx((0.5 * 7 / 12, 0.5 * 7 / 12 + 5 / 12))
    assert math.isnan(judge.objectives({"anchor_agreement": math.nan, "few_labels": 0.5})[0])


@pytest.mark.parametrize(
    ("objective", "names"),
    [
        ({}, ["anchor_agreement"]),
        ({"validator": ("snd", "infomax")}, ["snd", "infomax"]),
        ({"ranks": {"bnm": 2, "entropy": 1}}, ["bnm", "entropy"]),
    ],
)
def test_only_validators_that_were_asked_for_are_computed(objective: dict[str, Any], names: list[str]) -> None:
    judge = Judge(Objective(**objective), ANCHORS)
    assert [*judge.validations(outputs([[0.6, 0.4]] * 4))] == names
