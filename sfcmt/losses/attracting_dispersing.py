"""Neighbours in feature space predict alike, the rest of the batch differently."""

from __future__ import annotations

import torch
from torch import Tensor


def attracting_dispersing(probabilities_BK: Tensor, neighbour_probabilities_BMK: Tensor, dispersion: float) -> Tensor:
    """Predictions (B, K) attracted to those of M neighbours each (B, M, K), dispersed from the batch's others.

        L_AaD = 1/B sum_i [ -sum_m p_i . q_im + dispersion * sum_{j != i} p_i . p_j ]

    Both inner sums are sums, as published: the attraction grows with M and the dispersion with B - 1. Hence a weight
    `dispersion` belongs to a batch size; to keep its effect at batch size B', multiply it by (B - 1) / (B' - 1).
    Source: Yang et al., NeurIPS 2022 (Attracting and Dispersing), L_i, averaged over the batch.
    """
    attraction = torch.einsum("bk,bmk->b", probabilities_BK, neighbour_probabilities_BMK).mean()
    # sum_{i,j} p_i . p_j = |sum_i p_i|^2, of which the terms i = j are taken away.
    others = (probabilities_BK.sum(dim=0).square().sum() - probabilities_BK.square().sum()) / len(probabilities_BK)
    return dispersion * others - attraction
