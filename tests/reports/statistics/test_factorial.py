"""Effects of two-level designs: a textbook's, planted ones, and aliases."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sfcmt.reports.statistics.factorial import factorial_effects
from sfcmt.reports.statistics.samples import StatisticsError
from sfcmt.tuning.ablation.fractions import Fraction

FULL_3 = np.array(list(itertools.product((-1, 1), repeat=3)))


def test_the_textbooks_square() -> None:
    """Montgomery, Design and Analysis of Experiments, section 6.2: A 8.33, B -5.00, AB 1.67, from three replicates."""
    signs = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]])
    values = np.array([[28.0, 25, 27], [36, 32, 32], [18, 19, 23], [31, 30, 29]])
    analysis = factorial_effects(["a", "b"], signs, values, [0, 1, 2])
    assert [effect.name for effect in analysis.effects] == ["a", "b", "a:b"]
    assert [effect.value for effect in analysis.effects] == pytest.approx([8.333, -5.0, 1.667], abs=1e-3)
    assert (analysis.n, analysis.missing, analysis.arms, analysis.residual_df) == (12, 0, 4, 6)
    # residual mean square 24.83 / 6 after blocks; t 2.447 with 6 degrees of freedom
    half = 2.447 * np.sqrt(24.83 / 6 / 3)
    interval = analysis.effects[0].interval
    assert (interval.low, interval.high) == pytest.approx((8.333 - half, 8.333 + half), abs=0.01)
    assert [effect.p_value < 0.05 for effect in analysis.effects] == [True, True, False]


def test_what_seeds_do_to_all_arms_is_taken_out() -> None:
    noise = 0.01 * np.random.default_rng(0).standard_normal((8, 4))
    values = 2.0 * FULL_3[:, :1] - 0.5 * FULL_3[:, 1:2] * FULL_3[:, 2:] + np.array([0.0, 50, -80, 7]) + noise
    effects = {effect.name: effect for effect in factorial_effects("xyz", FULL_3, values, range(4)).effects}
    assert effects["x"].value == pytest.approx(4.0, abs=0.02)
    assert effects["y:z"].value == pytest.approx(-1.0, abs=0.02)
    assert effects["x"].interval.high - effects["x"].interval.low < 0.05
    assert {name for name, effect in effects.items() if effect.p_value < 0.001} == {"x", "y:z"}


def test_missing_runs_are_left_out_and_counted() -> None:
    values = 3.0 * FULL_3[:, :1] + np.arange(5) + 0.01 * np.random.default_rng(1).standard_normal((8, 5))
    values[2, 3] = values[0, 0] = np.nan
    analysis = factorial_effects("xyz", FULL_3, values, range(5))
    assert (analysis.n, analysis.missing) == (38, 2)
    assert analysis.effects[0].value == pytest.approx(6.0, abs=0.03)


def test_fractions_name_the_aliases_that_the_design_has() -> None:
    fraction = Fraction.find(5, "III")
    assert fraction is not None
    signs = 2 * np.array(fraction.runs(), dtype=np.int64) - 1
    names = ["a", "b", "c", "d", "e"]
    values = 2.0 * signs[:, [1]] * signs[:, [2]] + 0.01 * np.random.default_rng(0).standard_normal((8, 5))
    analysis = factorial_effects(names, signs, values, range(5))
    known = fraction.aliases(names)
    assert len(analysis.effects) == 7
    assert all(set(effect.aliases) == set(known[effect.name]) for effect in analysis.effects)
    seen = next(effect for effect in analysis.effects if {"b:c", "-b:c"} & {effect.name, *effect.aliases})
    assert seen.value == pytest.approx(4.0, abs=0.05)


def test_what_cannot_be_estimated() -> None:
    failed = np.where(np.arange(8)[:, None] < 6, 1.0, np.nan)
    with pytest.raises(StatisticsError, match="6 runs cannot estimate 6 effects of 1"):
        factorial_effects("xyz", FULL_3, failed, [0])
    with pytest.raises(StatisticsError, match="x is the same in all arms"):
        factorial_effects("xyz", FULL_3[:4], np.ones((4, 3)), range(3))
    with pytest.raises(StatisticsError, match="are needed"):
        factorial_effects("xyz", FULL_3, np.ones((8, 2)), range(3))
