from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import softmax

from sfcmt.testing.outputs import collapsed, perfect, random, uniform
from sfcmt.validators.bnm import bnm


def test_against_the_eigenvalues_of_the_gram_matrix() -> None:
    model = random(30, 5)
    p = softmax(model.target_logits.numpy().astype(np.float64), axis=1)
    assert bnm(model) == pytest.approx(np.sqrt(np.linalg.eigvalsh(p.T @ p)).sum() / 30)


def test_extremes() -> None:
    assert bnm(perfect(12, 4)) == pytest.approx(math.sqrt(4 / 12))
    assert bnm(collapsed(12, 4)) == pytest.approx(math.sqrt(1 / 12))
    assert bnm(uniform(12, 4)) == pytest.approx(1 / math.sqrt(4 * 12))
