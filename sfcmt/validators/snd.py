"""Soft neighbourhood density: predictions lie in dense clusters."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from sfcmt.outputs import Outputs
from sfcmt.validators import VALIDATORS

TEMPERATURE = 0.05
MOST = 10_000
"""Images that are compared, each with each."""
_ROWS_AT_ONCE = 512


@VALIDATORS.register("snd")
def snd(outputs: Outputs) -> float:
    """Mean entropy of each image's similarities to all others, in nats; in [0, log(N - 1)].

        1/N sum_i H(softmax_{j != i}(v_i . v_j / 0.05)),  v = p / ||p||_2

    Highest where all images are predicted alike, confidently or not: of no use against collapse, as its authors warn.
    Of more than `MOST` images the first so many count, which are in random order: time and memory would grow with N^2.
    A single image has no neighbours: 0. Source: Saito et al., ICCV 2021 (Tune it the right way).
    """
    v_NK = F.normalize(outputs.target_logits[:MOST].double().softmax(dim=1), dim=1)
    if len(v_NK) == 1:
        return 0.0
    total = torch.zeros((), dtype=torch.float64)
    for start in range(0, len(v_NK), _ROWS_AT_ONCE):
        similarities_RN = v_NK[start : start + _ROWS_AT_ONCE] @ v_NK.T / TEMPERATURE
        similarities_RN.diagonal(start).fill_(-torch.inf)
        total += torch.special.entr(similarities_RN.softmax(dim=1)).sum()
    return total.item() / len(v_NK)
