"""Opening the sealed parts of a data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch import Tensor

from sfcmt.data.dataset import Dataset, read_part
from sfcmt.data.encoded_rows import ParquetRows
from sfcmt.data.schema import Sealed, Split, file_name
from sfcmt.errors import DataError
from sfcmt.outputs import Outputs


@dataclass(frozen=True)
class TargetLabels:
    """Labels (N,) of the TR target images in the order of their file, each an index into the task's classes, and the
    frame that each image was cut from.
    """

    labels_N: Tensor
    groups: pa.ChunkedArray

    @property
    def frames(self) -> NDArray[np.int64]:
        """The frame (N,) of each image as a number: images of one frame share it."""
        codes: NDArray[np.int64] = self.groups.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
        return codes

    def of(self, rows_N: Tensor) -> TargetLabels:
        """Those of some of the images, which a mask (N,) names."""
        return TargetLabels(self.labels_N[rows_N], self.groups.filter(pa.array(rows_N.numpy())))

    def adapted_to(self, outputs: Outputs) -> TargetLabels:
        """Those of the images that a model has learned from."""
        return self if outputs.held_out is None else self.of(~outputs.held_out)


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
