"""The two sides of a pair have features of one direction."""

from __future__ import annotations

import torch.nn.functional as F

from sfcmt.outputs import Outputs
from sfcmt.validators import VALIDATORS, on_pairs


@VALIDATORS.register("pair_cosine")
@on_pairs
def pair_cosine(outputs: Outputs) -> float:
    """Mean cosine of the bottleneck features of the two sides of held-out TI pairs; in [-1, 1].

    1/M sum_i cos(F_t(x_i^t), F_s(x_i^s))
    """
    cosines_M = F.cosine_similarity(outputs.pair_features.double(), outputs.pair_source_features.double(), dim=1)
    return cosines_M.mean().item()
