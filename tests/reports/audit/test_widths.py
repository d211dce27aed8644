from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from sfcmt.reports.audit.draw import draw
from sfcmt.reports.audit.estimates import estimate
from sfcmt.reports.audit.widths import planned_widths

PREDICTED = np.random.default_rng(0).integers(5, size=1300)


def test_sixty_labels_say_12_and_18_points() -> None:
    found = planned_widths(draw(PREDICTED, 60, 1))
    assert (found.n, found.level) == (60, 0.95)
    assert (found.at_plan, found.anytime) == pytest.approx((0.12, 0.18), abs=0.005)


@pytest.mark.parametrize("against", [None, (PREDICTED + (np.arange(1300) % 2)) % 5])
def test_more_labels_say_more(against: np.ndarray | None) -> None:
    found = [planned_widths(draw(PREDICTED, n, 1, against_N=against)) for n in (20, 40, 60, 100, 1300)]
    for one, other in pairwise(found):
        assert one.at_plan > other.at_plan
        assert one.anytime > other.anytime
    assert found[-1].at_plan == pytest.approx(0)
    assert found[-1].anytime == pytest.approx(0, abs=1e-6)
    assert all(one.at_plan < one.anytime for one in found[:-1])


def test_one_half_is_the_widest() -> None:
    drawn = draw(PREDICTED, 60, 1)
    assert planned_widths(drawn).at_plan > planned_widths(drawn, 0.8).at_plan > planned_widths(drawn, 0.95).at_plan


@pytest.mark.parametrize("accuracy", [0.5, 0.8])
def test_they_are_what_audits_find(accuracy: float) -> None:
    labels = np.where(np.random.default_rng(1).random(1300) < accuracy, PREDICTED, 9)
    drawn = [draw(PREDICTED, 60, seed) for seed in range(8)]
    found = [estimate(one, {row: int(labels[row]) for row in one.rows}, PREDICTED) for one in drawn]
    planned = planned_widths(drawn[0], accuracy)
    at_plan = np.mean([one.interval.high - one.interval.low for one in found if one.interval]) / 2
    anytime = np.mean([one.anytime.high - one.anytime.low for one in found]) / 2
    assert (at_plan, anytime) == pytest.approx((planned.at_plan, planned.anytime), abs=0.012)


def test_a_difference_is_planned_for_the_images_that_tell() -> None:
    against = np.where(np.arange(1300) < 130, (PREDICTED + 1) % 5, PREDICTED)
    assert planned_widths(draw(PREDICTED, 60, 1, against_N=against)).at_plan < 0.03
