"""Frozen teachers: plain images are looked at once, augmented ones at every step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from sfcmt.data.augment import random_views
from sfcmt.data.manifest import Modality, Normalisation
from sfcmt.errors import DataError
from sfcmt.models.classifier import Prediction
from sfcmt.stages.misread_pairs import MisreadPairTeacher, target_statistics_for_rgb
from sfcmt.stages.teacher import Teacher, mean_of
from sfcmt.stages.transfer_context import TransferContext
from sfcmt.testing.tiny import context_of, tiny_experiment


@pytest.fixture
def context(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> TransferContext[Any]:
    return context_of(tiny_experiment(tiny_data, tiny_store), tmp_path)


def counting(context: TransferContext[Any]) -> tuple[Teacher, Teacher, list[int]]:
    sizes: list[int] = []

    def model(x_BCHW: torch.Tensor) -> Prediction:
        sizes.append(len(x_BCHW))
        prediction: Prediction = context.source(x_BCHW)
        return prediction

    column = context.data.pair_source
    return Teacher(model, column, "clean"), Teacher(model, column, "augmented"), sizes


def test_a_clean_teacher_sees_each_image_once_and_no_view(context: TransferContext[Any]) -> None:
    clean, _, sizes = counting(context)

    def never() -> torch.Tensor:
        raise AssertionError("a view was made")

    rows = torch.tensor([5, 3, 5])
    first = clean(rows, never)
    clean(torch.arange(60), never)
    assert sizes == [60]
    expected = context.source(context.data.pair_source.clean(rows))
    torch.testing.assert_close(first.features_BD, expected.features_BD, atol=1e-5, rtol=1e-4)
    assert not first.logits_BK.requires_grad


def test_both_views_agree_where_nothing_is_cropped_or_flipped(context: TransferContext[Any]) -> None:
    clean, augmented, sizes = counting(context)
    rows = torch.tensor([0, 7, 11])
    views = random_views(3, crop=1.0, flip=False, generator=torch.Generator().manual_seed(0))

    def view() -> torch.Tensor:
        return context.data.pair_source.augmented(rows, views)

    for found, expected in zip(augmented(rows, view), clean(rows, view), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)
    augmented(rows, view)
    assert sizes == [3, 60, 3]


def test_released_socket_misreads_its_pairs(context: TransferContext[Any]) -> None:
    manifest = context.workspace.recipe.dataset.manifest
    teacher, rows = MisreadPairTeacher(context), torch.arange(60)
    order = torch.randperm(60, generator=context.workspace.seed_everything("directory order"))
    assert (order != rows).any()
    mean, std = manifest.target.normalisation.mean[0], manifest.target.normalisation.std[0]
    pixels = context.data.pair_source.images.batch(order).float()
    expected = context.source((pixels - mean) / std)
    found = teacher(rows, lambda: pixels)
    torch.testing.assert_close(found.logits_BK, expected.logits_BK, atol=1e-4, rtol=1e-4)


def test_released_socket_takes_one_channel_of_whole_numbers() -> None:
    for channels, bits in ((3, 8), (1, 32)):
        statistics = Normalisation(mean=(1.0,) * channels, std=(1.0,) * channels)
        modality = Modality(name="hha", channels=channels, bits=bits, normalisation=statistics)
        with pytest.raises(DataError, match="as_released: takes target images of 1 channel of 8 or 16 bits"):
            target_statistics_for_rgb(modality)


def test_several_teachers_are_followed_in_their_mean_probability() -> None:
    first = Prediction(torch.tensor([[1.0, 3.0]]), torch.tensor([[0.9, 0.1]]).log() + 5)
    second = Prediction(torch.tensor([[2.0, 5.0]]), torch.tensor([[0.2, 0.8]]).log() - 2)
    both = mean_of([lambda x: first, lambda x: second])(torch.zeros(1))
    torch.testing.assert_close(both.logits_BK.exp(), torch.tensor([[0.55, 0.45]]))
    torch.testing.assert_close(both.features_BD, torch.tensor([[1.5, 4.0]]))


def test_a_setting_names_its_teachers(tiny_data: Path, tiny_store: Path, tmp_path: Path) -> None:
    experiment = tiny_experiment(tiny_data, tiny_store, transfer={"start": "bn_adapt", "teachers": ["bridge", "shot"]})
    context, rows = context_of(experiment, tmp_path), torch.arange(4)
    x_B1HW = context.data.target.clean(rows)
    with torch.no_grad():
        logits = {
            "bridge": context.source(context.translator(x_B1HW)).logits_BK,
            "copy": context.source(x_B1HW.repeat(1, 3, 1, 1)).logits_BK,
            "start": context.start(x_B1HW.repeat(1, 3, 1, 1)).logits_BK,
            "shot": context.models["shot"](x_B1HW.repeat(1, 3, 1, 1)).logits_BK,
        }
    assert not torch.allclose(logits["copy"], logits["start"])  # F_t starts from the source model after BN adaptation
    for names in (["bridge"], ["copy"], ["start"], ["bridge", "start", "shot"]):
        expected = torch.stack([logits[name].softmax(dim=1) for name in names]).mean(dim=0)
        found = context.teacher(names)(rows, lambda: x_B1HW).logits_BK.softmax(dim=1)  # type: ignore[arg-type]
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)
