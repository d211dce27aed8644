from __future__ import annotations

import pytest
import torch

from sfcmt.losses.attracting_dispersing import attracting_dispersing


def _slow(p_BK: list[list[float]], q_BMK: list[list[list[float]]], dispersion: float) -> float:
    def dot(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    total = 0.0
    for i, p in enumerate(p_BK):
        total -= sum(dot(p, q) for q in q_BMK[i])
        total += dispersion * sum(dot(p, other) for j, other in enumerate(p_BK) if j != i)
    return total / len(p_BK)


@pytest.mark.parametrize("dispersion", [0.0, 0.3, 1.0])
def test_against_a_slow_loop(dispersion: float) -> None:
    generator = torch.Generator().manual_seed(0)
    p_BK = torch.randn(6, 4, generator=generator, dtype=torch.float64).softmax(1)
    q_BMK = torch.randn(6, 3, 4, generator=generator, dtype=torch.float64).softmax(2)
    expected = _slow(p_BK.tolist(), q_BMK.tolist(), dispersion)
    assert attracting_dispersing(p_BK, q_BMK, dispersion).item() == pytest.approx(expected)


def test_one_hot_rows_that_agree_with_neighbours_and_not_with_each_other_score_least() -> None:
    p_BK = torch.eye(3)
    assert attracting_dispersing(p_BK, p_BK.unsqueeze(1).repeat(1, 2, 1), dispersion=1.0).item() == -2


def test_dispersion_scales_with_the_number_of_others_as_documented() -> None:
    alike_4K, alike_8K = torch.eye(3)[[0] * 4], torch.eye(3)[[0] * 8]
    no_neighbours_4, no_neighbours_8 = torch.zeros(4, 1, 3), torch.zeros(8, 1, 3)
    small = attracting_dispersing(alike_4K, no_neighbours_4, dispersion=1.0)
    large = attracting_dispersing(alike_8K, no_neighbours_8, dispersion=3 / 7)
    assert small.item() == 3
    assert large.item() == pytest.approx(3)
