"""What a pool says together."""

from __future__ import annotations

import pytest
import torch

from sfcmt.ensemble import mean_probabilities
from sfcmt.testing.outputs import random


@pytest.mark.parametrize("models", [1, 7])
def test_the_mean_of_the_members_probabilities_who_come_one_by_one(
    monkeypatch: pytest.MonkeyPatch, models: int
) -> None:
    monkeypatch.setattr("sfcmt.ensemble._ROWS", 5)
    pool = [random(12, 4, seed) for seed in range(models)]
    expected = torch.stack([model.target_logits.double().softmax(dim=1) for model in pool]).mean(dim=0)
    logits = pool[0].target_logits.clone()
    torch.testing.assert_close(mean_probabilities(iter(pool)), expected, rtol=1e-14, atol=0)
    assert pool[0].target_logits.equal(logits)
