from __future__ import annotations

import json

import numpy as np
import pytest

from sfcmt.reports.audit.draw import CELLS, Draw, Proposal, draw
from sfcmt.reports.statistics.samples import StatisticsError

PREDICTED = np.random.default_rng(0).choice(4, size=203, p=[0.6, 0.25, 0.14, 0.01])
AGAINST = np.where(np.arange(203) % 3 == 0, (PREDICTED + 1) % 4, PREDICTED)


@pytest.mark.parametrize("proposal", CELLS)
@pytest.mark.parametrize("against", [None, AGAINST])
def test_a_larger_draw_begins_with_a_smaller_one(proposal: Proposal, against: np.ndarray | None) -> None:
    whole = draw(PREDICTED, 1000, 7, proposal, against)
    for n in (1, 9, 10, 11, 60):
        small = draw(PREDICTED, n, 7, proposal, against)
        assert (small.rows, small.cells) == (whole.rows[:n], whole.cells[:n])
        assert small.sizes == whole.sizes


def test_a_seed_gives_these_rows_for_ever() -> None:
    assert draw(np.arange(12) % 2, 6, 2**200 + 1).rows == (5, 0, 3, 11, 6, 9)


@pytest.mark.parametrize("proposal", CELLS)
def test_no_row_comes_twice_and_all_come(proposal: Proposal) -> None:
    whole = draw(PREDICTED, 1000, 1, proposal)
    assert sorted(whole.rows) == list(range(203))
    assert whole.drawable == whole.images == 203
    assert np.bincount(whole.cells).tolist() == list(whole.sizes)
    assert max(whole.sizes) - min(whole.sizes) <= 1


def test_each_round_has_an_image_of_every_cell() -> None:
    cells = draw(PREDICTED, 200, 1).cells
    for start in range(0, 200, 10):
        assert sorted(cells[start : start + 10]) == list(range(10))
    assert len({cells[start : start + 10] for start in range(0, 200, 10)}) > 15  # in random order


def test_cells_are_runs_of_classes_and_of_confidence_within_them() -> None:
    confidence = np.random.default_rng(1).random(203)
    whole = draw(PREDICTED, 1000, 1, confidence_N=confidence)
    in_cells = np.array(whole.rows)[np.argsort(whole.cells, kind="stable")]
    starts = np.cumsum((0, *whole.sizes))
    key = PREDICTED + confidence
    for cell in range(9):
        before, after = (key[in_cells[starts[one] : starts[one + 1]]] for one in (cell, cell + 1))
        assert before.max() < after.min()


def test_without_confidence_a_class_is_in_random_order() -> None:
    first, second = (draw(np.zeros(40, dtype=np.int64), 40, seed) for seed in (1, 2))
    members = [{row for row, cell in zip(one.rows, one.cells, strict=True) if cell == 0} for one in (first, second)]
    assert members[0] != members[1]


def test_shares_of_classes_are_those_of_all_images() -> None:
    for seed in range(10):
        rows = np.array(draw(PREDICTED, 60, seed).rows)
        assert np.abs(np.bincount(PREDICTED[rows], minlength=4) / 60 - np.bincount(PREDICTED) / 203).max() < 0.08


@pytest.mark.parametrize("proposal", CELLS)
def test_every_image_is_equally_likely_at_every_place(proposal: Proposal) -> None:
    draws = 800
    rows = np.array([draw(PREDICTED[:20], 20, seed, proposal).rows for seed in range(draws)])
    found = np.array([np.bincount(at_place, minlength=20) for at_place in rows.T])
    assert np.abs(found - draws / 20).max() < 5 * np.sqrt(draws / 20)


def test_a_difference_is_drawn_where_models_differ() -> None:
    whole = draw(PREDICTED, 1000, 1, against_N=AGAINST)
    assert whole.question == "difference"
    assert sorted(whole.rows) == np.flatnonzero(PREDICTED != AGAINST).tolist()
    assert (whole.drawable, whole.images) == (68, 203)


@pytest.mark.parametrize("images", [1, 2, 9, 10, 11])
def test_few_images(images: int) -> None:
    whole = draw(np.arange(images) % 2, 60, 3)
    assert sorted(whole.rows) == list(range(images))
    assert len(whole.sizes) == min(images, 10)


def test_it_passes_through_json() -> None:
    drawn = draw(PREDICTED, 20, 2**200)
    assert Draw.of(json.loads(json.dumps(drawn.document()))) == drawn


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 0}, "labels 0: at least 1"),
        ({"seed": -1}, "seed -1: at least 0"),
        ({"proposal": "active"}, "proposal active: one of stratified, random"),
        ({"predicted_N": np.zeros((3, 2), dtype=np.int64)}, r"\(3, 2\)"),
        ({"predicted_N": np.zeros(0, dtype=np.int64)}, "at least one image"),
        ({"against_N": AGAINST[:5]}, r"\(5,\) beside predictions of shape \(203,\)"),
        ({"confidence_N": np.zeros(5)}, r"\(5,\) beside predictions"),
        ({"against_N": PREDICTED}, "do not differ"),
    ],
)
def test_mistakes(change: dict[str, object], message: str) -> None:
    with pytest.raises(StatisticsError, match=message):
        draw(**({"predicted_N": PREDICTED, "n": 5, "seed": 0} | change))  # type: ignore[arg-type]
