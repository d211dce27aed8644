from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from sfcmt.reports.audit.draw import Classes, Draw, Proposal, draw
from sfcmt.reports.audit.estimates import Estimate, estimate
from sfcmt.reports.audit.outcomes import outcomes
from sfcmt.reports.audit.score import score_limits
from sfcmt.reports.audit.stratified import weights_of
from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.statistics.samples import StatisticsError

GENERATOR = np.random.default_rng(0)
LABELS = GENERATOR.integers(4, size=230)
FIRST = np.where(GENERATOR.random(230) < 0.3 + 0.15 * LABELS, LABELS, GENERATOR.integers(4, size=230))
SECOND = np.where(GENERATOR.random(230) < 0.6, FIRST, GENERATOR.integers(4, size=230))
FRAMES = np.arange(230) // 2
DIFFERENCE = float(np.mean(FIRST == LABELS) - np.mean(SECOND == LABELS))


def answers(drawn: Draw, labels_N: Classes = LABELS) -> dict[int, int | None]:
    return {row: int(labels_N[row]) for row in drawn.rows}


@pytest.mark.parametrize("proposal", ["stratified", "random"])
@pytest.mark.parametrize(("against", "drawn_against"), [(None, None), (SECOND, None), (SECOND, SECOND)])
def test_a_census_is_the_truth(proposal: Proposal, against: Classes | None, drawn_against: Classes | None) -> None:
    drawn = draw(FIRST, 1000, 1, proposal, drawn_against)
    truth = float(np.mean(FIRST == LABELS)) if against is None else DIFFERENCE
    found = estimate(drawn, answers(drawn), FIRST, against, FRAMES)
    assert found.value == pytest.approx(truth)
    assert found.bounds == pytest.approx((truth, truth))
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((truth, truth))
    assert (found.anytime.low, found.anytime.high) == pytest.approx((truth, truth), abs=1e-6)
    assert found.frames is not None
    assert found.frames.low < truth - 0.03  # of other frames it says no more than it did
    assert (found.n, found.planned, found.told, found.cannot_tell) == (len(drawn.rows), len(drawn.rows), found.n, 0)


def test_another_model_than_the_one_drawn_by() -> None:
    drawn = draw(FIRST, 1000, 1)
    assert estimate(drawn, answers(drawn), SECOND).value == pytest.approx(np.mean(SECOND == LABELS))


@pytest.mark.parametrize("proposal", ["stratified", "random"])
def test_it_has_no_bias(proposal: Proposal) -> None:
    audits = 600
    drawn = [draw(FIRST[:47], 40, seed, proposal) for seed in range(audits)]
    rows, cells = np.array([one.rows for one in drawn]), np.array([one.cells for one in drawn])
    right, truth = (FIRST == LABELS)[rows], np.mean(FIRST[:47] == LABELS[:47])
    for n in (10, 20, 33, 40):
        values = (weights_of(cells[:, :n], np.array(drawn[0].sizes)) * right[:, :n]).sum(axis=1)
        assert abs(values.mean() - truth) < 3.5 * values.std() / np.sqrt(audits)


@pytest.mark.parametrize("least", [0, -1])
def test_the_interval_at_the_planned_n_covers(least: int) -> None:
    audits = 600
    drawn = [draw(FIRST, 100, seed, against_N=SECOND if least else None) for seed in range(audits)]
    value_N = (FIRST == LABELS) * 1.0 - (SECOND == LABELS) * (least < 0)
    rows, cells = np.array([one.rows for one in drawn]), np.array([one.cells for one in drawn])
    truth = value_N.mean() * len(LABELS) / drawn[0].drawable
    for n in (20, 40, 60):
        low, high = score_limits(value_N[rows[:, :n]], cells[:, :n], np.array(drawn[0].sizes), 0.95, least)
        covered = np.mean((low <= truth) & (truth <= high))
        assert 0.93 - 2 * np.sqrt(0.06 / audits) <= covered <= 0.97 + 3 * np.sqrt(0.03 / audits)


def test_on_the_way_there_is_the_interval_for_every_look_only() -> None:
    drawn = draw(FIRST, 60, 1)
    known = answers(drawn)
    on_the_way = estimate(drawn, {row: known[row] for row in drawn.rows[:30]}, FIRST)
    assert (on_the_way.n, on_the_way.planned, on_the_way.interval) == (30, 60, None)
    assert on_the_way.anytime == estimate(replace(drawn, rows=drawn.rows[:30]), _first(known, 30), FIRST).anytime
    assert estimate(drawn, known, FIRST).interval is not None
    extended = estimate(drawn, known, FIRST, extended=True)
    assert extended.interval is None
    assert extended.anytime == estimate(drawn, known, FIRST).anytime


def _first(known: dict[int, int | None], n: int) -> dict[int, int | None]:
    return dict(list(known.items())[:n])


def test_what_was_left_for_later_ends_the_sample() -> None:
    drawn = draw(FIRST, 30, 1)
    known = answers(drawn)
    del known[drawn.rows[12]]
    found = estimate(drawn, known, FIRST)
    assert (found.n, found.interval) == (12, None)
    assert found.value == estimate(drawn, _first(answers(drawn), 12), FIRST).value


def test_before_the_first_answer() -> None:
    found = estimate(draw(FIRST, 30, 1), {}, FIRST, frames_N=FRAMES)
    assert (found.value, found.bounds, found.interval, found.frames, found.n) == (None, None, None, None, 0)
    assert (found.anytime.low, found.anytime.high, found.cannot_tell, found.frames_n) == (0, 1, 0, 0)


@pytest.mark.parametrize("against", [None, SECOND])
def test_what_nobody_can_tell_is_bounded_by_the_worst_case(against: Classes | None) -> None:
    drawn = draw(FIRST, 40, 3, against_N=against)
    known = answers(drawn)
    unsure = drawn.rows[5:12]
    found = estimate(drawn, known | dict.fromkeys(unsure), FIRST, against, FRAMES)
    worst = estimate(drawn, known | _as_wrong(unsure, against), FIRST, against, FRAMES)
    best = estimate(drawn, known | {row: int(FIRST[row]) for row in unsure}, FIRST, against, FRAMES)
    assert found.cannot_tell == pytest.approx(7 / 40)
    assert found.told == 33
    assert found.bounds == pytest.approx((worst.value, best.value))
    for one, low, high in zip(_intervals(found), _intervals(worst), _intervals(best), strict=True):
        assert (one.low, one.high) == pytest.approx((low.low, high.high))
    assert found.value is not None
    assert found.bounds is not None
    assert found.bounds[0] < found.value < found.bounds[1]


def _as_wrong(rows: tuple[int, ...], against: Classes | None) -> dict[int, int | None]:
    return {row: 99 if against is None else int(against[row]) for row in rows}


def _intervals(found: Estimate) -> tuple[Interval, ...]:
    assert found.interval is not None
    assert found.frames is not None
    return found.interval, found.anytime, found.frames


def test_where_both_models_say_the_same_the_label_does_not_matter() -> None:
    drawn = draw(FIRST, 1000, 3)
    same = [row for row in drawn.rows if FIRST[row] == SECOND[row]]
    found = estimate(drawn, answers(drawn) | dict.fromkeys(same), FIRST, SECOND)
    assert found.bounds == pytest.approx((DIFFERENCE, DIFFERENCE))


def test_nobody_can_tell_anything() -> None:
    drawn = draw(FIRST, 20, 3)
    found = estimate(drawn, dict.fromkeys(drawn.rows), FIRST)
    assert found.value is None
    assert found.bounds == (0, 1)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high, found.cannot_tell) == (0, 1, 1)


@pytest.mark.parametrize("right", [True, False])
def test_all_right_and_all_wrong(right: bool) -> None:
    drawn = draw(np.zeros(230, dtype=np.int64), 20, 3)
    found = estimate(drawn, dict.fromkeys(drawn.rows, 0 if right else 1), np.zeros(230, dtype=np.int64))
    assert found.value == right
    assert found.interval is not None
    for interval in (found.interval, found.anytime):
        limits = (interval.low, interval.high)
        assert limits[right] == pytest.approx(float(right), abs=1e-6)
        assert 0.1 < abs(limits[not right] - right) < 0.35


def test_a_single_image() -> None:
    drawn = draw(np.array([2]), 60, 0)
    found = estimate(drawn, {0: 2}, np.array([2]), frames_N=np.array([0]))
    assert (found.value, found.frames) == (1, None)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high, found.anytime.low) == pytest.approx((1, 1, 1), abs=1e-6)


def test_a_higher_level_is_wider() -> None:
    drawn = draw(FIRST, 50, 1)
    narrow, wide = (estimate(drawn, answers(drawn), FIRST, frames_N=FRAMES, level=level) for level in (0.8, 0.99))
    for one, other in zip(_intervals(narrow), _intervals(wide), strict=True):
        assert other.low < one.low < one.high < other.high


def test_it_survives_json() -> None:
    drawn = draw(FIRST, 50, 1)
    again = Draw.of(json.loads(json.dumps(drawn.document())))
    assert estimate(again, answers(drawn), FIRST) == estimate(drawn, answers(drawn), FIRST)


@pytest.mark.parametrize(
    ("known", "models", "message"),
    [
        ({0: 1}, (FIRST,), "row 0: it was not drawn"),
        ({1: -2}, (FIRST,), "answer -2: a class index"),
        ({}, (FIRST[:7],), r"\(7,\): the draw is of 230 images"),
        ({}, (FIRST, SECOND[:7]), r"\(7,\): the draw is of 230 images"),
    ],
)
def test_mistakes(known: dict[int, int | None], models: tuple[Classes, ...], message: str) -> None:
    drawn = replace(draw(FIRST, 5, 1), rows=(1, 2, 3, 4, 5))
    with pytest.raises(StatisticsError, match=message):
        outcomes(drawn, known, *models)


def test_a_draw_for_a_difference_is_of_these_two_models() -> None:
    drawn = draw(FIRST, 5, 1, against_N=SECOND)
    with pytest.raises(StatisticsError, match="nothing of one model"):
        estimate(drawn, {}, FIRST)
    with pytest.raises(StatisticsError, match="two others"):
        estimate(drawn, {}, FIRST, (FIRST + 1) % 4)
    assert estimate(drawn, {}, SECOND, FIRST).quantity == "difference"


@pytest.mark.parametrize("level", [0, 1, 95])
def test_levels(level: float) -> None:
    with pytest.raises(StatisticsError, match=f"level {level}"):
        estimate(draw(FIRST, 5, 1), {}, FIRST, level=level)
