"""The pair teacher of SOCKET's released code, which misreads the pairs; for comparison only."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from sfcmt.data.batches import Column
from sfcmt.data.manifest import Modality, Normalisation
from sfcmt.errors import DataError
from sfcmt.models.classifier import Prediction
from sfcmt.models.normalise import Normalise
from sfcmt.stages.teacher import Teacher
from sfcmt.stages.transfer_context import TransferContext


class MisreadPairTeacher(Teacher):
    """The source model on TI source images that are normalised like target images, and paired in arbitrary order."""

    def __init__(self, context: TransferContext[Any]) -> None:
        manifest = context.workspace.recipe.dataset.manifest
        images, device = context.data.pair_source.images, context.workspace.device
        column = Column(images, Normalise(target_statistics_for_rgb(manifest.target)), device)
        super().__init__(partial(context.precision, context.source), column, "clean")
        order = context.workspace.seed_everything("directory order")
        self._partner = torch.randperm(len(images), generator=order).to(device)

    def __call__(self, rows_B: Tensor, augmented: Callable[[], Tensor]) -> Prediction:
        """Predictions for the rows' wrong partners."""
        return super().__call__(self._partner[rows_B], augmented)


def target_statistics_for_rgb(target: Modality) -> Normalisation:
    """The target's mean and deviation for each RGB channel, as shares of full scale. Raises `DataError`."""
    if target.channels != 1 or target.bits == 32:
        raise DataError("transfer.as_released: takes target images of 1 channel of 8 or 16 bits")
    scale = 255 / (2**target.bits - 1)
    mean, std = target.normalisation.mean[0] * scale, target.normalisation.std[0] * scale
    return Normalisation(mean=(mean,) * 3, std=(std,) * 3)
