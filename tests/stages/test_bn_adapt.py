"""BN adaptation: statistics of the target images, whatever their number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from sfcmt.data.schema import Split
from sfcmt.stages.methods.bn_adapt import BatchNormAdaptation
from sfcmt.testing.methods import pixels
from sfcmt.testing.tiny import context_of, tiny_experiment, write_tiny


@pytest.mark.parametrize("rows", [60, 129])
def test_the_first_layer_has_the_moments_of_the_data(
    tiny_data: Path, tiny_store: Path, tmp_path: Path, rows: int
) -> None:
    if rows == 60:
        data, store = tiny_data, tiny_store
    else:  # one more than a batch: no batch may be left with a single image
        data, store = write_tiny(tmp_path / "data", rows), tmp_path / "store"
    context = context_of(tiny_experiment(data, store).with_method("bn_adapt"), tmp_path / "work")
    adapted: Any = BatchNormAdaptation().adapt(context).classifier
    stem = adapted.backbone.conv1
    normalisation = context.workspace.recipe.dataset.manifest.target.normalisation
    x = (pixels(data, Split.TARGET, "image").double() - normalisation.mean[0]) / normalisation.std[0]
    first = stem[0]
    y = F.conv2d(x.repeat(1, 3, 1, 1), first.weight.double(), stride=first.stride, padding=first.padding)
    norm = stem[1]
    near: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-4} if rows == 60 else {"rtol": 0.02, "atol": 0.01}
    torch.testing.assert_close(norm.running_mean.double(), y.mean(dim=(0, 2, 3)), **near)
    torch.testing.assert_close(norm.running_var.double(), y.var(dim=(0, 2, 3)), **near)
