"""Frozen teachers: what they say of an image is computed once, or of the student's own view at every step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from sfcmt.data.batches import Column
from sfcmt.models.classifier import Prediction
from sfcmt.stages.predict import predict_rows


class Teacher:
    """A frozen model's predictions for the rows of a column.

    `clean`: of the plain images, all rows at first use, then looked up. `augmented`: of the views it is handed, which
    are those of this worker's share of the rows.
    """

    def __init__(
        self, model: Callable[[Tensor], Prediction], column: Column, view: Literal["clean", "augmented"]
    ) -> None:
        self._model, self._column, self._view = model, column, view

    @torch.no_grad()
    def __call__(self, rows_B: Tensor, augmented: Callable[[], Tensor]) -> Prediction:
        """Predictions for rows, on the device; `augmented` makes their views, and is called only if they are needed."""
        if self._view == "augmented":
            return self._model(augmented()).of_all(len(rows_B))
        return Prediction(self._table.features_BD[rows_B], self._table.logits_BK[rows_B])

    @cached_property
    def _table(self) -> Prediction:
        return predict_rows(self._model, self._column)


def mean_of(models: Sequence[Callable[[Tensor], Prediction]]) -> Callable[[Tensor], Prediction]:
    """A model whose class probabilities are the mean of the models', and so are its features."""

    def mean(x_BCHW: Tensor) -> Prediction:
        features, logits = zip(*(model(x_BCHW) for model in models), strict=True)
        log_p_MBK = torch.stack(logits).log_softmax(dim=2)
        return Prediction(torch.stack(features).mean(dim=0), log_p_MBK.logsumexp(dim=0) - math.log(len(models)))

    return mean if len(models) > 1 else models[0]
