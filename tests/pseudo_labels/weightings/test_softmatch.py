from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sfcmt.pseudo_labels.weightings.softmatch import SoftMatch


def test_against_numpy_over_several_batches() -> None:
    weighting = SoftMatch(3, 0.5)
    mean, variance = 1 / 3, 1.0
    for seed in range(20):
        p_BK = torch.randn(7, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).softmax(1)
        confidence = p_BK.numpy().max(axis=1)
        mean = 0.99 * mean + 0.01 * confidence.mean()
        variance = 0.99 * variance + 0.01 * confidence.var(ddof=1)
        expected = np.where(confidence < mean, np.exp(-((confidence - mean) ** 2) / (2 * variance)), 1)
        np.testing.assert_allclose(weighting(p_BK), expected, rtol=1e-5)


def test_gaussian_below_the_mean_and_one_above() -> None:
    weighting = SoftMatch(2, 0.5).eval()
    weighting.mean.fill_(0.8)
    weighting.variance.fill_(0.01)
    weights_B = weighting(torch.tensor([[0.7, 0.3], [0.8, 0.2], [0.1, 0.9]]))
    assert weights_B.tolist() == pytest.approx([math.exp(-0.5), 1, 1])


def test_a_batch_of_one_says_nothing_of_the_variance() -> None:
    weighting = SoftMatch(2, 0.5)
    weighting(torch.tensor([[0.9, 0.1]]))
    assert weighting.variance.item() == 1
    assert weighting.mean.item() == pytest.approx(0.504)


def test_without_variance_it_is_a_threshold() -> None:
    weighting = SoftMatch(2, 0.5).eval()
    weighting.mean.fill_(0.75)
    weighting.variance.zero_()
    assert weighting(torch.tensor([[0.5, 0.5], [0.75, 0.25], [1.0, 0.0]])).tolist() == [0, 1, 1]


def test_heeds_no_threshold() -> None:
    p_BK = torch.tensor([[0.9, 0.1], [0.4, 0.6]])
    assert SoftMatch(2, 0.0)(p_BK).tolist() == SoftMatch(2, 1.0)(p_BK).tolist()
