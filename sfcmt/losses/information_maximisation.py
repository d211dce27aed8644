"""Predictions should be confident one by one, and diverse taken together."""

from __future__ import annotations

import math

from torch import Tensor


def information_maximisation(logits_BK: Tensor) -> Tensor:
    """Mean entropy of the predictions less the entropy of their mean, in nats; in [-log K, 0].

        L_IM = 1/B sum_i H(p_i) - H(1/B sum_i p_i),  p = softmax(logits (B, K))

    Source: Liang et al., ICML 2020 (SHOT), L_ent + L_div.
    """
    log_p_BK = logits_BK.log_softmax(dim=1)
    # In logarithms, a class that nobody predicts has gradient 0 instead of 0 * inf.
    log_mean_K = log_p_BK.logsumexp(dim=0) - math.log(len(log_p_BK))
    mean_entropy = -(log_p_BK.exp() * log_p_BK).sum(dim=1).mean()
    entropy_of_mean = -(log_mean_K.exp() * log_mean_K).sum()
    return mean_entropy - entropy_of_mean
