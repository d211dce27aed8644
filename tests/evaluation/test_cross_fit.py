"""Regrets that the luck of the best has no part in."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import Tensor

from sfcmt.evaluation.cross_fit import MIN_FRAMES, cross_fitted_regrets
from sfcmt.evaluation.labels import TargetLabels


def target_of(labels: list[int], frames: list[int]) -> TargetLabels:
    return TargetLabels(torch.tensor(labels), pa.chunked_array([[f"frame {one}" for one in frames]]))


def pool_of(
    accuracies: list[float], seed: int, frames: int = 40, size: int = 5
) -> tuple[dict[str, Tensor], TargetLabels]:
    """Models that are right by chance, frame by frame."""
    generator = np.random.default_rng(seed)
    target = target_of(generator.integers(0, 3, frames * size).tolist(), np.repeat(np.arange(frames), size).tolist())
    right_MN = np.repeat(generator.random((len(accuracies), frames)), size, axis=1) < np.array(accuracies)[:, None]
    return {f"model {place}": torch.tensor(right_N) for place, right_N in enumerate(right_MN)}, target


def balanced(right_N: Tensor, labels_N: Tensor) -> float:
    shares = [right_N[labels_N == label].double().mean().item() for label in set(labels_N.tolist())]
    return sum(shares) / len(shares)


def plain(pool: dict[str, Tensor], target: TargetLabels) -> dict[str, float]:
    """Regrets against the best that is seen."""
    reached = {name: balanced(right_N, target.labels_N) for name, right_N in pool.items()}
    return {name: max(reached.values()) - value for name, value in reached.items()}


def test_of_models_that_are_alike_it_is_none() -> None:
    """Eight models of 60 %: the best of them is lucky by some 10 points, which is what picking any seems to cost."""
    pools = [pool_of([0.6] * 8, seed) for seed in range(60)]
    lucky = np.mean([plain(*one)["model 0"] for one in pools])
    found = [found["model 0"] for one in pools if (found := cross_fitted_regrets(*one))]
    assert lucky > 0.08
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(60) < lucky / 2


def test_of_a_model_that_stands_out_it_is_the_plain_regret() -> None:
    pool, target = pool_of([0.95, 0.5, 0.3], 0)
    found, expected = cross_fitted_regrets(pool, target), plain(pool, target)
    assert found is not None
    assert found["model 0"] == pytest.approx(0)
    assert found == {name: pytest.approx(value, abs=0.02) for name, value in expected.items()}


def test_by_brute_force_over_all_halves() -> None:
    """Over all ways to part ten frames of one class in two, which the drawn ones stand for."""
    pool, target = pool_of([0.7, 0.6, 0.6], 2, frames=10, size=3)
    target = TargetLabels(torch.zeros(30, dtype=torch.long), target.groups)
    right_MF = np.array([one.double().view(10, 3).mean(dim=1).numpy() for one in pool.values()])
    regrets = []
    for code in range(2**10):
        half_F = code >> np.arange(10) & 1 == 1
        if half_F.sum() == 5:
            seen_M, other_M = right_MF[:, half_F].mean(axis=1), right_MF[:, ~half_F].mean(axis=1)
            regrets.append(other_M[np.isclose(seen_M, seen_M.max())].mean() - other_M)
    found = cross_fitted_regrets(pool, target)
    assert found is not None
    assert list(found.values()) == pytest.approx(np.mean(regrets, axis=0), abs=0.02)


def test_nothing_depends_on_the_order_of_models_or_the_names_of_frames() -> None:
    pool, target = pool_of([0.7, 0.6, 0.6], 1)
    found = cross_fitted_regrets(pool, target)
    assert found is not None
    turned = cross_fitted_regrets(dict(reversed(pool.items())), target)
    assert turned is not None
    assert turned == pytest.approx(found)
    twin = cross_fitted_regrets(pool | {"twin": pool["model 0"]}, target)
    assert twin is not None
    assert twin["twin"] == twin["model 0"] == pytest.approx(found["model 0"])


def test_a_class_of_one_frame_counts_on_its_half_alone() -> None:
    target = target_of([0, 1] * 9 + [0, 2], [place for place in range(10) for _ in range(2)])
    right_2N = np.ones((2, 20), dtype=bool)
    right_2N[1, -1] = False
    found = cross_fitted_regrets({name: torch.tensor(right_2N[place]) for place, name in enumerate("ab")}, target)
    assert found is not None
    assert found["a"] <= 0 < found["b"] + found["a"] + 1e-12


def test_few_frames_say_nothing() -> None:
    pool, target = pool_of([0.7, 0.6], 0, frames=MIN_FRAMES - 1)
    assert cross_fitted_regrets(pool, target) is None
