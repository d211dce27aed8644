"""The rule that adds seeds."""

from __future__ import annotations

import math

import pytest

from sfcmt.tuning.ablation.stopping import StoppingRule, planned_looks

RULE = StoppingRule((3, 6), alpha=0.1, margin=1.0)
# each look has level 0.95: t is 4.303 with 2, and 2.571 with 5 degrees of freedom (tables)


def test_before_the_first_look_it_goes_on() -> None:
    decision = RULE.decide([5.0, 5.0])
    assert (decision.verdict, decision.n, decision.level) == ("go on", 0, 0.95)
    assert RULE.next_look(2) == 3


def test_a_difference_is_told_at_the_first_look() -> None:
    decision = RULE.decide([4.0, 5.0, 6.0, -50.0, 7.0])  # what comes after a decision changes nothing
    assert (decision.verdict, decision.n) == ("different", 3)
    assert (decision.low, decision.high) == pytest.approx(
        (5 - 4.303 / math.sqrt(3), 5 + 4.303 / math.sqrt(3)), abs=1e-3
    )


def test_a_wide_interval_goes_on_and_ends_undecided() -> None:
    assert RULE.decide([-1.0, 0.0, 3.0]).verdict == "go on"
    decision = RULE.decide([-1.0, 0.0, 3.0, -3.0, 3.0, 1.0])
    assert (decision.verdict, decision.n, RULE.next_look(6)) == ("undecided", 6, None)
    half = 2.571 * math.sqrt((1.5**2 + 0.5**2 + 2.5**2 + 3.5**2 + 2.5**2 + 0.5**2) / 5 / 6)
    assert (decision.low, decision.high) == pytest.approx((0.5 - half, 0.5 + half), abs=1e-3)


def test_without_more_pairs_it_is_undecided() -> None:
    decision = RULE.conclude([-1.0, 0.0, 3.0, 1.0])
    assert (decision.verdict, decision.n) == ("undecided", 3)
    assert RULE.conclude([4.0, 5.0, 6.0]) == RULE.decide([4.0, 5.0, 6.0])


def test_an_interval_within_the_margin_is_equivalent() -> None:
    differences = [-0.2, 0.0, 0.2]
    assert RULE.decide(differences).verdict == "equivalent"
    assert StoppingRule((3, 6), alpha=0.1, margin=0.4).decide(differences).verdict == "go on"
    assert StoppingRule((3, 6), alpha=0.1).decide(differences).verdict == "go on"


def test_looks_are_spread_evenly() -> None:
    assert planned_looks(5, 20, 4) == (5, 10, 15, 20)
    assert planned_looks(2, 4, 9) == (2, 3, 4)
