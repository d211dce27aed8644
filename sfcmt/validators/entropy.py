"""Confidence of the predictions."""

from __future__ import annotations

import torch

from sfcmt.outputs import Outputs
from sfcmt.validators import VALIDATORS


@VALIDATORS.register("entropy")
def entropy(outputs: Outputs) -> float:
    """Negative mean entropy of the target predictions, in nats; in [-log K, 0].

        -1/N sum_i H(p_i)

    A model that gives all images one class scores best.
    Source: Morerio et al., ICLR 2018 (minimal-entropy correlation alignment).
    """
    p_NK = outputs.target_logits.double().softmax(dim=1)
    return -float(torch.special.entr(p_NK).sum(dim=1).mean())
