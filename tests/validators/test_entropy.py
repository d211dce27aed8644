from __future__ import annotations

import math

import pytest
import torch

from sfcmt.testing.outputs import collapsed, outputs, perfect, uniform
from sfcmt.validators.entropy import entropy


def test_by_hand() -> None:
    p_NK = torch.tensor([[0.5, 0.5], [0.25, 0.75]], dtype=torch.float64)
    expected = (2 * 0.5 * math.log(0.5) + 0.25 * math.log(0.25) + 0.75 * math.log(0.75)) / 2
    assert entropy(outputs(p_NK.log())) == pytest.approx(expected)


def test_extremes() -> None:
    assert entropy(uniform(6, 3)) == pytest.approx(-math.log(3))
    assert entropy(perfect(6, 3)) == pytest.approx(0)
    assert entropy(collapsed(6, 3)) == pytest.approx(0)
