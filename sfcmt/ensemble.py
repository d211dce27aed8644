"""What a pool of models says together. Its members come one by one, so that their number is no question of memory."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING

from sfcmt.outputs import Outputs

if TYPE_CHECKING:
    from torch import Tensor

_ROWS = 4096
"""Images whose probabilities are computed at once."""


def mean_probabilities(pool: Iterable[Outputs]) -> Tensor:
    """Mean class probabilities (N, K), float64, of one model or more on the same target images."""
    import torch

    rest = iter(pool)
    first = next(rest)
    total_NK, members = first.target_logits.double().zero_(), 0
    for outputs in chain([first], rest):
        logits_NK = outputs.target_logits
        for total_RK, logits_RK in zip(torch.split(total_NK, _ROWS), torch.split(logits_NK, _ROWS), strict=True):
            total_RK.add_(logits_RK.double().softmax(dim=1))
        members += 1
    return total_NK.div_(members)
