"""BN adaptation: statistics of the target images, whatever their number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sfcmt.data.schema import Split
from sfcmt.data.writer import DatasetInfo, DatasetWriter
from sfcmt.errors import DataError
from sfcmt.stages.methods.bn_adapt import BatchNormAdaptation
from sfcmt.testing.methods import pixels
from sfcmt.testing.tiny import CLASSES, context_of, get_or_train, tiny_experiment, write_tiny


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


def test_a_single_target_image_is_refused(tmp_path: Path) -> None:
    picture = np.arange(768, dtype=np.uint8).reshape(3, 16, 16)
    grey = picture[:1]
    with DatasetWriter(tmp_path / "data", DatasetInfo("one", "rgb", "depth", CLASSES, {}, "keep", True)) as writer:
        for row in range(6):
            writer.add_source(picture, row % 3, f"frame {row}", f"source {row}")
            writer.add_pair(picture, grey, f"frame {row}", f"pair {row}")
        writer.add_target(grey, "frame", "target")
    experiment = tiny_experiment(tmp_path / "data", tmp_path / "store", source={"epochs": 1})
    with pytest.raises(DataError, match="1 target image; bn_adapt needs 2 or more"):
        get_or_train("transfer", experiment.with_method("bn_adapt"))
