from __future__ import annotations

import torch

from sfcmt.pseudo_labels.weightings.threshold import Threshold


def test_is_inclusive() -> None:
    p_BK = torch.tensor([[0.75, 0.25], [0.5, 0.5], [0.125, 0.875]])
    assert Threshold(2, 0.75)(p_BK).tolist() == [1, 0, 1]


def test_nought_trusts_all() -> None:
    assert Threshold(2, 0.0)(torch.tensor([[0.5, 0.5]])).tolist() == [1]
