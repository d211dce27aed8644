"""Predictions for a whole column of images."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from sfcmt.data.batches import Column
from sfcmt.models.classifier import Prediction

_BATCH = 128


@torch.no_grad()
def predict_rows(model: Callable[[Tensor], Prediction], column: Column, rows: Tensor | None = None) -> Prediction:
    """Float32 features (N, D) and logits (N, K) of the column's rows, on its device; the model's mode is the caller's."""
    chosen = torch.arange(len(column)) if rows is None else rows
    parts = [model(column.clean(index)) for index in torch.split(chosen, _BATCH)]
    features = torch.cat([part.features_BD.float() for part in parts])
    return Prediction(features, torch.cat([part.logits_BK.float() for part in parts]))
