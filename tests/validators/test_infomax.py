from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from sfcmt.testing.outputs import collapsed, perfect, random, uniform
from sfcmt.validators.infomax import infomax


def test_against_scipy() -> None:
    model = random(30, 5)
    p = softmax(model.target_logits.numpy().astype(np.float64), axis=1)
    assert infomax(model) == pytest.approx(entropy(p.mean(axis=0)) - entropy(p, axis=1).mean())


def test_extremes() -> None:
    assert infomax(perfect(6, 3)) == pytest.approx(math.log(3))
    assert infomax(uniform(6, 3)) == pytest.approx(0)
    assert infomax(collapsed(6, 3)) == pytest.approx(0)
