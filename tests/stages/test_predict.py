"""Predictions for a whole column."""

from __future__ import annotations

from pathlib import Path

import torch

from sfcmt.models.classifier import Prediction
from sfcmt.stages.predict import evaluation_batch, predict_rows
from sfcmt.testing.tiny import context_of, tiny_experiment


def test_rows_come_in_the_order_asked_for_whatever_the_batches(
    tiny_data: Path, tiny_store: Path, tmp_path: Path
) -> None:
    context = context_of(tiny_experiment(tiny_data, tiny_store), tmp_path)
    sizes: list[int] = []

    def first_pixel(x_B1HW: torch.Tensor) -> Prediction:
        sizes.append(len(x_B1HW))
        return Prediction(x_B1HW[:, 0, :1, 0], x_B1HW[:, 0, 0, :3])

    rows = torch.arange(60).repeat(5)[:257].flip(0)
    found = predict_rows(first_pixel, context.data.target, rows)
    assert torch.equal(found.logits_BK, context.data.target.clean(rows)[:, 0, 0, :3])
    assert sum(sizes) == 257
    assert max(sizes) <= 128
    assert max(sizes) - min(sizes) <= 1


def test_predictions_are_float32_and_without_gradient_even_amid_mixed_precision(
    tiny_data: Path, tiny_store: Path, tmp_path: Path
) -> None:
    context = context_of(tiny_experiment(tiny_data, tiny_store), tmp_path)
    plain = predict_rows(context.copied, context.data.target)
    with torch.autocast("cpu", torch.bfloat16):
        amid = predict_rows(context.copied, context.data.target)
    assert torch.equal(amid.logits_BK, plain.logits_BK)
    assert amid.logits_BK.dtype == torch.float32
    assert not amid.logits_BK.requires_grad


def test_a_gpu_s_batch_takes_equal_memory_at_any_size() -> None:
    gpu = torch.device("cuda")
    assert [evaluation_batch(size, gpu) for size in (56, 224, 448, 9999)] == [2048, 128, 32, 1]
    assert evaluation_batch(56, torch.device("cpu")) == 128
