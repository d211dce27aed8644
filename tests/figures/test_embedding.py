"""The plane keeps neighbours together, and every class has its colour."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from sfcmt.figures import embedding
from sfcmt.figures.embedding import embed, embedding_figure
from tests.figures.pictures import drawn


def blobs(count: int, classes: int = 3) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels_N = torch.arange(count) % classes
    return 10 * torch.eye(classes, 8)[labels_N] + torch.randn(count, 8, generator=generator), labels_N


def test_separate_classes_stay_separate() -> None:
    features_ND, labels_N = blobs(60)
    points_n2 = embed(features_ND)
    distances = np.linalg.norm(points_n2[:, None] - points_n2[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (labels_N.numpy()[distances.argmin(axis=1)] == labels_N.numpy()).all()
    assert (embed(features_ND) == points_n2).all()


@pytest.mark.parametrize("count", [4, 12])
def test_few_images_will_do(count: int) -> None:
    assert embed(blobs(count)[0]).shape == (count, 2)


def test_no_more_than_the_first_thousand_rows_are_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert embedding._MOST == 1000
    monkeypatch.setattr(embedding, "_MOST", 20)  # a thousand take seconds
    features_ND, _ = blobs(23)
    assert (embed(features_ND) == embed(features_ND[:20])).all()
    assert embed(features_ND).shape == (20, 2)


@pytest.mark.slow
@pytest.mark.long
def test_no_more_than_a_thousand_rows_are_embedded() -> None:
    assert embed(blobs(1003)[0]).shape == (1000, 2)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [3, 17])
def test_each_class_has_its_points_its_name_and_its_colour(classes: int) -> None:
    _, labels_N = blobs(40, classes)
    points_n2 = np.random.default_rng(0).normal(size=(34, 2)).astype(np.float32)  # of the first rows
    names = [f"class {number}" for number in range(classes)]
    figure = embedding_figure(points_n2, labels_N, names, "true classes")
    axes = figure.axes[0]
    assert axes.get_title() == "true classes"
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == names
    shown = [np.asarray(points.get_offsets()) for points in axes.collections]
    for number, points in enumerate(shown):
        assert np.array_equal(points, points_n2[np.arange(34) % classes == number])
    assert len({tuple(np.asarray(points.get_facecolor())[0]) for points in axes.collections}) == classes
    assert len(np.unique(drawn(figure).reshape(-1, 3), axis=0)) > classes


def test_of_many_classes_the_commonest_have_colours_and_the_rest_is_grey() -> None:
    labels_N = torch.cat([torch.arange(500, 520), torch.arange(1000)])
    points_n2 = np.random.default_rng(0).normal(size=(1020, 2)).astype(np.float32)
    axes = embedding_figure(points_n2, labels_N, [f"class {number}" for number in range(1000)], "true").axes[0]
    legend = axes.get_legend()
    assert legend is not None
    names = [text.get_text() for text in legend.get_texts()]
    assert names == [*(f"class {number}" for number in range(500, 520)), "980 others"]
    assert sum(len(np.asarray(points.get_offsets())) for points in axes.collections) == 1020
