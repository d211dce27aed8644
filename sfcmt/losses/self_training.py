"""A model learns from its own labels, as far as they are trusted."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def self_training(logits_BK: Tensor, labels_B: Tensor, weights_B: Tensor) -> Tensor:
    """Cross-entropy of logits (B, K) against hard pseudo-labels (B,), integers, weighted in [0, 1] (B,).

        L_self = 1/B sum_i w_i (-log p_i[y_i]),  p = softmax(logits)

    The mean is over the whole batch, not over the weights: where little is trusted, little is learnt.
    Source: Sohn et al., NeurIPS 2020 (FixMatch), l_u; Chen et al., ICLR 2023 (SoftMatch), L_u;
    TGKT, arXiv 2401.05014, L_self.
    """
    return (weights_B * F.cross_entropy(logits_BK, labels_B, reduction="none")).mean()
