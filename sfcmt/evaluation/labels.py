"""Opening the sealed parts of a data set."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import torch
from torch import Tensor

from sfcmt.data.dataset import Dataset, read_part
from sfcmt.data.schema import Sealed, Split
from sfcmt.errors import DataError


@dataclass(frozen=True)
class TargetLabels:
    """Labels (N,) of the TR target images in the order of their file, and the frame that each was cut from."""

    labels_N: Tensor
    groups: pa.ChunkedArray


def has_labels(dataset: Dataset) -> bool:
    """Whether there are sealed labels to judge by. Real users often have none."""
    return Sealed.LABELS in dataset.manifest.sealed


def has_real_source(dataset: Dataset) -> bool:
    """Whether the target's scenes are there in the source modality as well."""
    return Sealed.REAL_SOURCE in dataset.manifest.sealed


def open_labels(dataset: Dataset) -> TargetLabels:
    """Read the sealed labels. Raises `DataError` if they are missing, changed or of other rows."""
    table = read_part(dataset.folder, dataset.manifest, Sealed.LABELS)
    if table["id"].to_pylist() != dataset.table(Split.TARGET)["id"].to_pylist():
        raise DataError(f"{dataset.folder}: the sealed labels are not of the target images' rows")
    return TargetLabels(torch.tensor(table["label"].to_pylist()), table["group"])
