"""Rates and tests of a matrix of similarities whose structure is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sfcmt.data.matching import Matching, positive_p_value

N = 40
ROWS = np.arange(N)


def noise(seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(N, N)).astype(np.float32)


def test_partners_ahead_are_found_there_only() -> None:
    matching = Matching(noise() + 9 * np.eye(N, k=2, dtype=np.float32), ROWS, ROWS, seed=0)
    assert matching.rate(2) == 1.0
    assert matching.rate(0) < 0.15
    assert matching.mean(2) == pytest.approx(9, abs=0.5)
    assert matching.p_value(2) < 1e-12
    assert matching.p_value(0) > 0.01
    assert matching.asymmetry_p_value(2) < 1e-12
    assert matching.asymmetry_p_value(-2) > 0.99
    assert matching.asymmetry_p_value(1) > 0.01


def test_rows_of_one_frame_are_no_rivals() -> None:
    frames = ROWS // 2
    same_frame = np.kron(np.eye(N // 2), np.array([[3, 9], [9, 3]])).astype(np.float32)
    alone = Matching(same_frame, ROWS, ROWS, seed=0)
    grouped = Matching(same_frame, ROWS, frames, seed=0)
    assert (alone.rate(0), grouped.rate(0)) == (0.0, 1.0)
    assert alone.chance() == pytest.approx(1 / N)
    assert grouped.chance() == pytest.approx(1 / (N - 1))


def test_neighbours_in_the_data_set_are_not_neighbours_in_the_sample() -> None:
    rows = np.concatenate([np.arange(20), np.arange(100, 120)])
    s = np.eye(N, k=1, dtype=np.float32)
    s[19, 20] = -1000
    assert Matching(s, rows, ROWS, seed=0).mean(1) == pytest.approx(1)


def test_p_values_are_uniform_where_nothing_matches() -> None:
    p_values = [Matching(noise(seed), ROWS, ROWS // 2, seed).p_value(0) for seed in range(30)]
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.15)
    assert np.mean(np.array(p_values) < 0.1) < 0.25


def test_a_frame_counts_once() -> None:
    values = np.array([5.0] * 30 + [-1, -2, -1, 2], dtype=np.float32)
    assert positive_p_value(values, np.arange(34)) < 1e-6
    assert positive_p_value(values, np.array([0] * 30 + [1, 2, 3, 4])) > 0.2


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_frames_prove_nothing(count: int) -> None:
    assert positive_p_value(np.ones(count, dtype=np.float32), np.zeros(count, dtype=np.int64)) == 1.0
