"""Predictions for a whole column of images."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from sfcmt.data.batches import Column
from sfcmt.distributed import share, workers
from sfcmt.models.classifier import Prediction
from sfcmt.precision import in_float32

_BATCH = 128
_PIXELS = _BATCH * 224**2


def evaluation_batch(size: int, device: torch.device) -> int:
    """Images of `size` pixels in a batch: on a GPU as many as take equal memory at any size; a CPU gains nothing."""
    return _BATCH if device.type == "cpu" else max(1, _PIXELS // size**2)


@torch.no_grad()
def predict_rows(
    model: Callable[[Tensor], Prediction],
    column: Column,
    rows: Tensor | None = None,
    shared: bool = True,
    batch: int = _BATCH,
) -> Prediction:
    """Float32 features (N, D) and logits (N, K) of the column's rows; the model stays in the mode it is in.

    It computes in float32, unless it is run by a `Precision`.

    Workers share the rows, and all get all predictions. A model in training mode, whose answers depend on the batch, is
    for each worker alone: not `shared`. Batches are of nearly equal size for its sake: no last one of a single row.
    """
    chosen = torch.arange(len(column)) if rows is None else rows
    if shared and 1 < workers() <= len(chosen):
        return predict_rows(model, column, share(chosen), False, batch).of_all(len(chosen))
    batches = chosen.tensor_split(max(1, math.ceil(len(chosen) / batch)))
    with in_float32(column.device):
        parts = [model(x) for x in column.each(batches)]
    return Prediction(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))
