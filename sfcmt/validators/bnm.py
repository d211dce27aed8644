"""Confidence and diversity of the predictions, as the size and rank of their matrix."""

from __future__ import annotations

from torch import linalg

from sfcmt.outputs import Outputs
from sfcmt.validators import VALIDATORS


@VALIDATORS.register("bnm")
def bnm(outputs: Outputs) -> float:
    """Nuclear norm of the target predictions P (N, K), by the number of images.

        ||P||_* / N

    As published; it falls with 1/sqrt(N), so compare it on the same images only.
    Source: Cui et al., CVPR 2020 (batch nuclear-norm maximisation), here over all images in place of a batch.
    """
    p_NK = outputs.target_logits.double().softmax(dim=1)
    return float(linalg.matrix_norm(p_NK, ord="nuc")) / len(p_NK)
