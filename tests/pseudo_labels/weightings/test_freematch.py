from __future__ import annotations

import numpy as np
import torch

from sfcmt.pseudo_labels.weightings.freematch import FreeMatch


def test_against_numpy_over_several_batches() -> None:
    weighting = FreeMatch(3, 0.5)
    confidence, prediction = 1 / 3, np.full(3, 1 / 3)
    kept = []
    for seed in range(40):
        logits_BK = torch.randn(9, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        p_BK = (logits_BK + torch.tensor([1.0, 0.0, -1.0])).softmax(1)
        p = p_BK.numpy()
        confidence = 0.99 * confidence + 0.01 * p.max(axis=1).mean()
        prediction = 0.99 * prediction + 0.01 * p.mean(axis=0)
        thresholds = confidence * prediction / prediction.max()
        expected = p.max(axis=1) >= thresholds[p.argmax(axis=1)]
        assert weighting(p_BK).tolist() == expected.tolist()
        kept.extend(expected)
    assert 0 < np.mean(kept) < 1


def test_a_neglected_class_has_a_lower_bar() -> None:
    weighting = FreeMatch(2, 0.5).eval()
    weighting.confidence.fill_(0.9)
    weighting.prediction.copy_(torch.tensor([0.75, 0.25]))  # bars 0.9 and 0.3
    assert weighting(torch.tensor([[0.8, 0.2], [0.2, 0.8], [0.95, 0.05]])).tolist() == [0, 1, 1]


def test_heeds_no_threshold() -> None:
    p_BK = torch.tensor([[0.9, 0.1], [0.4, 0.6]])
    assert FreeMatch(2, 0.0)(p_BK).tolist() == FreeMatch(2, 1.0)(p_BK).tolist()
