"""Classes are not confused with each other, and all of them occur."""

from __future__ import annotations

import math

from torch import linalg

from sfcmt.outputs import Outputs
from sfcmt.validators import VALIDATORS


@VALIDATORS.register("corr_c")
def corr_c(outputs: Outputs) -> float:
    """Cosine of the class correlation matrix with the identity; in [1/sqrt(K), 1], 1 if confident and balanced.

        C = P^T P / N,  tr(C) / (||C||_F sqrt(K)),  P (N, K) the target predictions

    Higher is better, as published. Source: Tu et al., 2023 (SoftmaxCorr, arXiv 2406.09908); called Corr-C in
    Hu et al., 2023 (EnsV).
    """
    p_NK = outputs.target_logits.double().softmax(dim=1)
    correlation_KK = p_NK.T @ p_NK / len(p_NK)
    return float(correlation_KK.trace() / linalg.matrix_norm(correlation_KK)) / math.sqrt(len(correlation_KK))
