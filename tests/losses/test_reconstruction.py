from __future__ import annotations

import torch

from sfcmt.losses.reconstruction import reconstruction


def test_mean_over_all_pixels() -> None:
    translated_BCHW = torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(2, 1, 1, 2)
    real_BCHW = torch.tensor([1.0, 0.0, 3.0, 1.0]).reshape(2, 1, 1, 2)
    assert reconstruction(translated_BCHW, real_BCHW).item() == (4 + 9) / 4
