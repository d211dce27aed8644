"""Predictions for a whole column of images."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from sfcmt.data.batches import Column
from sfcmt.models.classifier import Prediction

_BATCH = 128


@torch.no_grad()
def predict_rows(model: Callable[[Tensor], Prediction], column: Column, rows: Tensor | None = None) -> Prediction:
    """Float32 features (N, D) and logits (N, K) of the column's rows; the model stays in the mode it is in.

    Batches are of nearly equal size, for a model in training mode: no last one of a single row.
    """
    chosen = torch.arange(len(column)) if rows is None else rows
    batches = chosen.tensor_split(max(1, math.ceil(len(chosen) / _BATCH)))
    with torch.autocast(column.normalise.mean.device.type, enabled=False):
        parts = [model(column.clean(index)) for index in batches]
    return Prediction(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))
