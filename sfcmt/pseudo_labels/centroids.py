"""Pseudo-labels by the nearest class centroid: the structure of the target data corrects its classifier."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class CentroidLabels(NamedTuple):
    """Labels, and what they were chosen by."""

    labels_N: Tensor
    """Class of the most similar centroid; of equally similar ones, the first."""
    similarities_NK: Tensor
    """Cosine to each class's final centroid; -inf for a class that is in nobody's prediction."""


@torch.no_grad()
def centroid_labels(features_ND: Tensor, probabilities_NK: Tensor) -> CentroidLabels:
    """Assign features (N, D) to centroids that are first weighted by the predictions (N, K), then by the assignment.

        c_k = sum_i p_ik f_i / sum_i p_ik,       y_i = argmax_k cos(f_i, c_k)
        c_k = sum_i 1[y_i = k] f_i / |y = k|,    y_i = argmax_k cos(f_i, c_k)

    A class without members after the first assignment keeps its first centroid.
    Source: Liang et al., ICML 2020 (SHOT), self-supervised pseudo-labelling, c^(0) and c^(1).
    """
    soft_KD = _centroids(features_ND, probabilities_NK)
    impossible_K = probabilities_NK.sum(dim=0) == 0
    labels_N = _similarities(features_ND, soft_KD, impossible_K).argmax(dim=1)

    members_NK = torch.zeros_like(probabilities_NK, dtype=features_ND.dtype).scatter_(1, labels_N.unsqueeze(1), 1.0)
    inhabited_K1 = members_NK.any(dim=0).unsqueeze(1)
    centroids_KD = torch.where(inhabited_K1, _centroids(features_ND, members_NK), soft_KD)
    similarities_NK = _similarities(features_ND, centroids_KD, impossible_K)
    return CentroidLabels(similarities_NK.argmax(dim=1), similarities_NK)


def _centroids(features_ND: Tensor, shares_NK: Tensor) -> Tensor:
    # Only the direction matters to a cosine, so the division by the sum of the shares is left out.
    return shares_NK.T @ features_ND


def _similarities(features_ND: Tensor, centroids_KD: Tensor, impossible_K: Tensor) -> Tensor:
    cosines_NK = F.normalize(features_ND, dim=1) @ F.normalize(centroids_KD, dim=1).T
    return cosines_NK.masked_fill(impossible_K, -torch.inf)
