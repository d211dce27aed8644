"""Frozen teachers: plain images are looked at once, augmented ones at every step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sfcmt.data.augment import random_views
from sfcmt.models.classifier import Prediction
from sfcmt.stages.methods.socket import MisreadPairTeacher
from sfcmt.stages.teacher import Teacher
from sfcmt.stages.transfer import Setting
from tests.tiny import setting_of, tiny_experiment


@pytest.fixture
def setting(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> Setting[Any]:
    return setting_of(tiny_experiment(tiny_data, tiny_store), tmp_path)


def counting(setting: Setting[Any]) -> tuple[Teacher, Teacher, list[int]]:
    sizes: list[int] = []

    def model(x_BCHW: torch.Tensor) -> Prediction:
        sizes.append(len(x_BCHW))
        prediction: Prediction = setting.source(x_BCHW)
        return prediction

    column = setting.data.pair_source
    return Teacher(model, column, "clean"), Teacher(model, column, "augmented"), sizes


def test_a_clean_teacher_sees_each_image_once_and_no_view(setting: Setting[Any]) -> None:
    clean, _, sizes = counting(setting)

    def never() -> torch.Tensor:
        raise AssertionError("a view was made")

    rows = torch.tensor([5, 3, 5])
    first = clean(rows, never)
    clean(torch.arange(60), never)
    assert sizes == [60]
    expected = setting.source(setting.data.pair_source.clean(rows))
    torch.testing.assert_close(first.features_BD, expected.features_BD, atol=1e-5, rtol=1e-4)
    assert not first.logits_BK.requires_grad


def test_both_views_agree_where_nothing_is_cropped_or_flipped(setting: Setting[Any]) -> None:
    clean, augmented, sizes = counting(setting)
    rows = torch.tensor([0, 7, 11])
    views = random_views(3, crop=1.0, flip=False, generator=torch.Generator().manual_seed(0))

    def view() -> torch.Tensor:
        return setting.data.pair_source.augmented(rows, views)

    for found, expected in zip(augmented(rows, view), clean(rows, view), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)
    augmented(rows, view)
    assert sizes == [3, 60, 3]


def test_released_socket_misreads_its_pairs(setting: Setting[Any]) -> None:
    manifest = setting.workspace.stage.dataset.manifest
    teacher, rows = MisreadPairTeacher(setting), torch.arange(60)
    order = torch.randperm(60, generator=setting.workspace.seed_everything("directory order"))
    assert (order != rows).any()
    mean, std = manifest.target.normalisation.mean[0], manifest.target.normalisation.std[0]
    pixels = setting.data.pair_source.images.batch(order).float()
    expected = setting.source((pixels - mean) / std)
    found = teacher(rows, lambda: pixels)
    torch.testing.assert_close(found.logits_BK, expected.logits_BK, atol=1e-4, rtol=1e-4)
