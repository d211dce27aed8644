from __future__ import annotations

import torch

from sfcmt.testing.outputs import collapsed, outputs, perfect
from sfcmt.validators.pair_agreement import pair_agreement


def test_share_of_equal_classes() -> None:
    pair_logits_MK = torch.tensor([[2.0, 1.0], [1.0, 2.0], [0.0, 1.0], [-1.0, 0.0]])  # 0 1 1 1; the source's 0 1 0 1
    assert pair_agreement(outputs(torch.zeros(4, 2), pair_logits_MK)) == 0.75


def test_extremes() -> None:
    assert pair_agreement(perfect(12, 4)) == 1
    assert pair_agreement(collapsed(12, 4)) == 0.25
