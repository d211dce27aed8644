"""The objectives of one trial."""

from __future__ import annotations

import math

import pytest
import torch

from sfcmt.outputs import Outputs
from sfcmt.validators import VALIDATORS
from tuning.search.trial import Judge


def outputs(probabilities: list[list[float]]) -> Outputs:
    """What a model that gives these class probabilities says."""
    logits = torch.tensor(probabilities).log()
    rest = torch.ones(2, logits.shape[1])
    return Outputs(logits, logits, rest, rest, rest, rest)


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
    assert Judge(["anchor_agreement"], ANCHORS)(outputs([[p, 1 - p] for p in first])) == [agreement]


def test_objectives_come_in_their_order() -> None:
    trial = outputs([[0.6, 0.4]] * 4)
    values = Judge(["infomax", "anchor_agreement"], ANCHORS)(trial)
    assert values == [VALIDATORS["infomax"](trial), 0.75]
    assert math.isfinite(values[0])


def test_validators_need_no_anchors() -> None:
    assert len(Judge(["infomax"], [])(outputs([[0.5, 0.5]]))) == 1
