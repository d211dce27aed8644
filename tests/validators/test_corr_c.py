from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cosine
from scipy.special import softmax

from sfcmt.testing.outputs import collapsed, perfect, random, uniform
from sfcmt.validators.corr_c import corr_c


def test_against_numpy() -> None:
    model = random(30, 5)
    p = softmax(model.target_logits.numpy().astype(np.float64), axis=1)
    correlation = np.mean([np.outer(row, row) for row in p], axis=0)
    assert corr_c(model) == pytest.approx(1 - cosine(correlation.ravel(), np.eye(5).ravel()))


def test_extremes() -> None:
    assert corr_c(perfect(8, 4)) == pytest.approx(1)
    assert corr_c(uniform(8, 4)) == pytest.approx(0.5)
    assert corr_c(collapsed(8, 4)) == pytest.approx(0.5)
