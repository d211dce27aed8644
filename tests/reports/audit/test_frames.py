from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from sfcmt.reports.audit.draw import draw
from sfcmt.reports.audit.estimates import estimate
from sfcmt.reports.audit.frames import MIN_FRAMES, effective_frames, frames_interval


def test_frames_of_equal_size_count_one_each() -> None:
    assert effective_frames(np.repeat([5, 9, 2], 4)) == pytest.approx(3)
    assert effective_frames(np.array([0] * 97 + [1, 2, 3])) == pytest.approx(100**2 / (97**2 + 3))


def test_it_is_the_cluster_robust_variance() -> None:
    generator = np.random.default_rng(0)
    frames = np.repeat(np.arange(15), 3)
    y = (generator.random(45) < np.repeat(generator.random(15), 3)).astype(float)
    fit = sm.OLS(y, np.ones(45)).fit(cov_type="cluster", cov_kwds={"groups": frames}, use_t=True)
    found = frames_interval(float(y.mean()), (y - y.mean()) / 45, frames, effective_frames(frames), 0.9)
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int(0.1)[0]))


def test_a_difference_counts_frames_on_which_nothing_differs() -> None:
    """Drawn in full where models differ, it is what all labels give."""
    generator = np.random.default_rng(1)
    labels, frames = generator.integers(3, size=90), np.arange(90) // 3
    first, second = (np.where(generator.random(90) < 0.7, labels, 0) for _ in range(2))
    value_N = (first == labels) * 1.0 - (second == labels)
    drawn = draw(first, 90, 1, against_N=second)
    found = estimate(drawn, {row: int(labels[row]) for row in drawn.rows}, first, second, frames).frames
    assert found is not None
    fit = sm.OLS(value_N, np.ones(90)).fit(cov_type="cluster", cov_kwds={"groups": frames, "use_correction": False})
    assert (found.high + found.low) / 2 == pytest.approx(value_N.mean())
    assert (found.high - found.low) / 2 == pytest.approx(2.08 * fit.bse[0], rel=0.06)


@pytest.mark.parametrize("frames", [MIN_FRAMES - 1, MIN_FRAMES])
def test_few_frames_say_nothing_of_others(frames: int) -> None:
    predicted, frames_N = np.zeros(90, dtype=np.int64), np.arange(90) * frames // 90
    drawn = draw(predicted, 90, 1)
    found = estimate(drawn, {row: row % 2 for row in drawn.rows}, predicted, frames_N=frames_N)
    assert found.frames_n == pytest.approx(frames)
    assert (found.frames is None) == (frames < MIN_FRAMES)
