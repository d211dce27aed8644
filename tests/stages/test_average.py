"""An averaged model against torch's own, to the last bit, also after a checkpoint."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from sfcmt.stages.average import Average


@pytest.mark.parametrize("resumed", [False, True])
def test_is_what_torch_makes_of_it(resumed: bool) -> None:
    torch.manual_seed(0)
    layer = nn.Linear(3, 4)
    model = nn.Sequential(layer, nn.BatchNorm1d(4))
    expected: Any = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.8), use_buffers=True)  # type: ignore[no-untyped-call]
    found = Average(model, 0.8)
    assert not any(parameter.requires_grad for parameter in found.parameters())
    for step in range(4):
        model(torch.randn(8, 3))
        with torch.no_grad():
            layer.weight.add_(step)
        if resumed and step == 2:
            state, found = found.state_dict(), Average(model, 0.8)
            found.load_state_dict(state)
        for average in (expected, found):
            average.update_parameters(model)
    assert found.state_dict().keys() == expected.state_dict().keys()
    for name, tensor in expected.state_dict().items():
        assert torch.equal(found.state_dict()[name], tensor), name
