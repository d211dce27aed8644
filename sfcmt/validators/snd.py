"""Soft neighbourhood density: predictions lie in dense clusters."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from sfcmt.outputs import Outputs
from sfcmt.validators import VALIDATORS

VERSION = 2
"""Before, images beyond the first 10,000 were left out, as neighbours too: of many classes, few images are like one."""
TEMPERATURE = 0.05
MOST = 2000
"""Images whose entropy is computed."""
_CELLS = 2**22
"""Similarities that are held at once."""


@VALIDATORS.register("snd")
def snd(outputs: Outputs) -> float:
    """Mean entropy of each image's similarities to all others, in nats; in [0, log(N - 1)].

        1/N sum_i H(softmax_{j != i}(v_i . v_j / 0.05)),  v = p / ||p||_2

    Highest where all images are predicted alike, confidently or not: of no use against collapse, as its authors warn.
    Of more than `MOST` images the mean is over the first so many, which are in random order, among all as neighbours:
    time grows with N. Its standard error is that of a mean of 2,000: s / 45, of entropies whose deviation s was 0.03 to
    1.8 nats in trials, and less between two models, which are judged on the same images.
    A single image has no neighbours: 0. Source: Saito et al., ICCV 2021 (Tune it the right way).
    """
    v_NK = F.normalize(outputs.target_logits.double().softmax(dim=1), dim=1)
    if len(v_NK) == 1:
        return 0.0
    total, judged, rows = torch.zeros((), dtype=torch.float64), min(MOST, len(v_NK)), max(1, _CELLS // len(v_NK))
    for start in range(0, judged, rows):
        similarities_RN = v_NK[start : min(start + rows, judged)] @ v_NK.T / TEMPERATURE
        similarities_RN.diagonal(start).fill_(-torch.inf)
        total += torch.special.entr(similarities_RN.softmax(dim=1)).sum()
    return total.item() / judged
