"""Opening the sealed parts of a data set."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import torch
from torch import Tensor

from sfcmt.data.dataset import Dataset, read_part
from sfcmt.data.encoded_rows import ParquetRows
from sfcmt.data.schema import Sealed, Split, file_name
from sfcmt.errors import DataError


@dataclass(frozen=True)
class TargetLabels:
    """Labels (N,) of the TR target images in the order of their file, each an index into the task's classes, and the
    frame that each image was cut from.
    """

    labels_N: Tensor
    groups: pa.ChunkedArray


def has_labels(dataset: Dataset) -> bool:
    """Whether there are sealed labels to judge by. Real users often have none."""
    return _is_here(dataset, Sealed.LABELS)


def has_real_source(dataset: Dataset) -> bool:
    """Whether the target's scenes are there in the source modality as well."""
    return _is_here(dataset, Sealed.REAL_SOURCE)


def open_labels(dataset: Dataset) -> TargetLabels:
    """Read the sealed labels. Raises `DataError` if they are missing, changed or of other rows."""
    table = _open(dataset, Sealed.LABELS, "id", "label", "group")
    place = torch.tensor([dataset.classes.index(name) for name in dataset.manifest.classes])
    return TargetLabels(place[torch.tensor(table["label"].to_pylist())], table["group"])


def open_real_source(dataset: Dataset) -> ParquetRows:
    """The target's scenes as encoded source images, read when asked for. Raises `DataError` as `open_labels` does."""
    _open(dataset, Sealed.REAL_SOURCE, "id")
    return ParquetRows(dataset.folder / file_name(Sealed.REAL_SOURCE), "image")


def _is_here(dataset: Dataset, part: Sealed) -> bool:
    return part in dataset.manifest.sealed and (dataset.folder / file_name(part)).is_file()


def _open(dataset: Dataset, part: Sealed, *columns: str) -> pa.Table:
    table = read_part(dataset.folder, dataset.manifest, part, columns)
    if not table["id"].equals(dataset.columns(Split.TARGET, "id")["id"]):
        raise DataError(f"{dataset.folder / file_name(part)}: its rows are not those of the target images")
    return table
