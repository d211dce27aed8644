"""Picking by few labels, with the gate as a rank."""

from __future__ import annotations

import math

import pytest

from sfcmt.few_labels import FewLabels
from sfcmt.grounding.choice import Choice
from sfcmt.grounding.gate import Gate
from sfcmt.tuning.search.few_labels_pick import label_free_ranks, pick_by_few_labels
from tests.tuning.search.test_judge import outputs

GATE = Gate({"a": 0.9, "b": 0.2, "c": 0.8, "d": 0.5}, 0.1, ("a", "c"), ("a",))
BEHIND = Choice("c", {"a": 1.0, "c": 2.0}, GATE)


@pytest.mark.parametrize(
    ("choice", "ranks"),
    [
        (BEHIND, {"b": 0.125, "d": 0.375, "a": 0.625, "c": 0.875}),
        (Choice("x", {"x": 7.0, "y": 7.0, "z": math.nan}, None), {"x": 2 / 3, "y": 2 / 3, "z": 1 / 6}),
        (Choice("a", dict.fromkeys("abcd", 0.0), GATE), dict.fromkeys("abcd", 0.5)),
    ],
)
def test_who_passes_the_gate_is_above_all_others(choice: Choice, ranks: dict[str, float]) -> None:
    assert label_free_ranks(choice) == pytest.approx(ranks)


def says(*first: float) -> list[list[float]]:
    return [[one, 1 - one] for one in first]


@pytest.mark.parametrize(("count", "winner"), [(1, "c"), (10, "b")])
def test_labels_lift_a_model_over_the_gate_and_ties_are_the_ranks(count: int, winner: str) -> None:
    right, wrong = [0.9] * count + [0.1] * count, [0.1] * count + [0.1] * count
    pool = {"a": outputs(says(*wrong)), "b": outputs(says(*right)), "c": outputs(says(*wrong))}
    pool["d"] = outputs(says(*right))
    few = FewLabels(tuple(map(str, range(2 * count))), tuple(range(2 * count)), (0,) * count + (1,) * count, ("x", "y"))
    choice = pick_by_few_labels(few, pool, ["a", "b", "c"], BEHIND)
    assert (choice.winner, choice.gate) == (winner, GATE)
    weight = count / (count + 1)
    assert choice.scores == pytest.approx(
        {
            "a": weight / 2 + 0.625 * (1 - weight),
            "b": weight + 0.125 * (1 - weight),
            "c": weight / 2 + 0.875 * (1 - weight),
            "d": weight + 0.375 * (1 - weight),
        }
    )
