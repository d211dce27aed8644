"""McNemar's test against the binomial distribution."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from sfcmt.reports.statistics.mcnemar import compare_predictions
from sfcmt.reports.statistics.samples import StatisticsError


def test_only_images_on_which_the_models_differ_count() -> None:
    first = np.array([True] * 40 + [True] * 2 + [False] * 10 + [False] * 7)
    second = np.array([True] * 40 + [False] * 2 + [True] * 10 + [False] * 7)
    result = compare_predictions(first, second)
    assert (result.n, result.only_first, result.only_second) == (59, 2, 10)
    assert result.p_value == pytest.approx(2 * sum(comb(12, k) for k in range(3)) / 2**12)
    assert compare_predictions(first, first).p_value == 1.0


def test_shapes() -> None:
    with pytest.raises(StatisticsError, match=r"\(3,\) and \(2,\)"):
        compare_predictions(np.ones(3, dtype=bool), np.ones(2, dtype=bool))
