from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sfcmt.pseudo_labels.centroids import centroid_labels


def _slow(features: NDArray[np.float64], p: NDArray[np.float64]) -> tuple[list[int], NDArray[np.float64]]:
    def cosines(centroids: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        return np.array([[f @ c / np.linalg.norm(f) / np.linalg.norm(c) for c in centroids] for f in features])

    classes = range(p.shape[1])
    centroids = [sum(p[i, k] * f for i, f in enumerate(features)) / p[:, k].sum() for k in classes]
    labels = cosines(centroids).argmax(axis=1)
    centroids = [features[labels == k].mean(axis=0) if (labels == k).any() else centroids[k] for k in classes]
    similarities = cosines(centroids)
    return [int(label) for label in similarities.argmax(axis=1)], similarities


@pytest.mark.parametrize("seed", range(5))
def test_against_a_slow_loop(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    features_ND = torch.randn(12, 3, generator=generator, dtype=torch.float64)
    p_NK = torch.randn(12, 6, generator=generator, dtype=torch.float64).softmax(1)
    labels, similarities = _slow(features_ND.numpy(), p_NK.numpy())
    result = centroid_labels(features_ND, p_NK)
    assert result.labels_N.tolist() == labels
    np.testing.assert_allclose(result.similarities_NK, similarities, atol=1e-12)


def test_structure_of_the_features_overrules_a_wrong_prediction() -> None:
    features_ND = torch.tensor([[1.0, 0.1], [1.0, 0.0], [1.0, -0.1], [0.1, 1.0], [0.0, 1.0], [-0.1, 1.0]])
    p_NK = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.1, 0.9], [0.1, 0.9], [0.2, 0.8]])
    assert p_NK.argmax(1).tolist() == [0, 0, 1, 1, 1, 1]
    assert centroid_labels(features_ND, p_NK).labels_N.tolist() == [0, 0, 0, 1, 1, 1]


def test_a_class_without_members_keeps_its_soft_centroid() -> None:
    features_ND = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    p_NK = torch.tensor([[0.5, 0.1, 0.4], [0.1, 0.5, 0.4]])
    result = centroid_labels(features_ND, p_NK)
    assert result.labels_N.tolist() == [0, 1]
    np.testing.assert_allclose(result.similarities_NK[:, 2], [0.5**0.5, 0.5**0.5], rtol=1e-6)


def test_a_class_in_nobodys_prediction_is_never_assigned() -> None:
    features_ND = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    p_NK = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    result = centroid_labels(features_ND, p_NK)
    assert 2 not in result.labels_N
    assert (result.similarities_NK[:, 2] == -torch.inf).all()


def test_ties_and_single_rows_go_to_the_first_class() -> None:
    assert centroid_labels(torch.ones(1, 2), torch.full((1, 3), 1 / 3)).labels_N.tolist() == [0]
    assert centroid_labels(torch.ones(4, 2), torch.full((4, 3), 1 / 3)).labels_N.tolist() == [0] * 4


def test_order_does_not_matter() -> None:
    generator = torch.Generator().manual_seed(0)
    features_ND, p_NK = torch.randn(20, 4, generator=generator), torch.randn(20, 3, generator=generator).softmax(1)
    order = torch.randperm(20, generator=generator)
    shuffled = centroid_labels(features_ND[order], p_NK[order]).labels_N
    assert shuffled.tolist() == centroid_labels(features_ND, p_NK).labels_N[order].tolist()
