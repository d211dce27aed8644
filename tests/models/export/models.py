"""Models to export, with something of every part in them, and images to show to them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from sfcmt.data.manifest import Normalisation
from sfcmt.models.target_model import TargetModel
from tests.models.test_target_model import COLOURS, make

CHANGES: dict[str, dict[str, Any]] = {
    "8 bits, holes kept, copied": {
        "bits": 8,
        "holes": "keep",
        "translator": "copy",
        "normalisation": Normalisation(mean=(120.0,), std=(60.0,)),
    },
    "16 bits, holes masked, translated": {"bits": 16, "holes": "mask", "translator": "light"},
    "metres, holes masked, normals": {
        "bits": 32,
        "translator": "normals",
        "colours": COLOURS,
        "normalisation": Normalisation(mean=(2.0,), std=(1.2,)),
    },
}


def trained(**changes: object) -> TargetModel:
    """A model whose translator is no longer the copy that it starts as, and whose answers are none too alike."""
    model = make(**changes)
    with torch.no_grad():
        for parameter in model.translator.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
        for _ in range(20):  # batch norm must know images of these bits
            model.train()(images(model))
    model.eval()
    answers = probabilities(model, images(model))
    assert float(answers.std(dim=0).min()) > 1e-3
    return model


def images(model: TargetModel, count: int = 7) -> Tensor:
    """(count, channels, size, size) float32 of stored values, a block of them holes."""
    shape = (count, model.spec.channels, 32, 32)
    x_BCHW = 4 * torch.rand(shape) if model.spec.bits == 32 else torch.randint(0, 2**model.spec.bits, shape).float()
    x_BCHW[:, :, 4:12, 9:20] = 0
    return x_BCHW


@torch.no_grad()
def probabilities(model: TargetModel, x_BCHW: Tensor) -> Tensor:
    """What an exported program must give."""
    return model(x_BCHW).softmax(dim=1)  # type: ignore[no-any-return]
