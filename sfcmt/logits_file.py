"""Logits of a model of anybody's for the target images of a data set: a Parquet file, so that it can be chosen too.

Columns: `id`, of `target.parquet`, and one of numbers for each class of the task, by its name. Rows in any order.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.errors import DataError
from sfcmt.listing import listed
from sfcmt.outputs import Outputs

if TYPE_CHECKING:
    import torch

_ID = "id"


def read_logits(file: Path, dataset: Dataset) -> Outputs:
    """Outputs of a model of which nothing else is known: its features are its logits, and of pairs it says nothing.

    Raises `DataError` with all that is wrong with the file.
    """
    table = _read(file)
    ids = dataset.columns(Split.TARGET, _ID)[_ID].to_pylist()
    if problems := [*_column_problems(table, dataset.classes), *_row_problems(table, ids)]:
        raise DataError("\n".join(f"{file}: {problem}" for problem in problems))
    place = {name: row for row, name in enumerate(table[_ID].to_pylist())}
    values_NK = np.stack([table[name].to_numpy() for name in dataset.classes], axis=1).astype(np.float32)
    if problem := _value_problem(values_NK):
        raise DataError(f"{file}: {problem}")
    return _outputs(values_NK[[place[name] for name in ids]])


def _read(file: Path) -> pa.Table:
    try:
        return pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{file}: no Parquet file that can be read ({error})") from error


def _column_problems(table: pa.Table, classes: tuple[str, ...]) -> list[str]:
    missing = [name for name in (_ID, *classes) if name not in table.column_names]
    other = [name for name in table.column_names if name not in (_ID, *classes)]
    wrong = [name for name in classes if name in table.column_names and not _is_number(table.schema.field(name).type)]
    return [
        f"{what}: {listed(names)}"
        for what, names in (
            ("missing columns", missing),
            ("columns that are no class of the task", other),
            ("columns that are not of numbers", wrong),
        )
        if names
    ]


def _row_problems(table: pa.Table, ids: list[str]) -> list[str]:
    if _ID not in table.column_names:
        return []
    found = Counter(map(str, table[_ID].to_pylist()))
    twice = [name for name, count in found.items() if count > 1]
    missing, other = [name for name in ids if name not in found], [*(found.keys() - {*ids})]
    return [
        f"{len(names)} rows {what}: {listed(names)}"
        for what, names in (
            ("are there twice", twice),
            ("of the target images are missing", missing),
            ("are of no target image", sorted(other)),
        )
        if names
    ]


def _value_problem(values_NK: NDArray[np.float32]) -> str:
    if not np.isfinite(values_NK).all():
        return f"{int((~np.isfinite(values_NK)).any(axis=1).sum())} rows have values that are no finite numbers"
    if (values_NK >= 0).all() and np.allclose(values_NK.sum(axis=1), 1, atol=1e-3):
        return "these are probabilities; give logits, such as the logarithms of these"
    return ""


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _outputs(values_NK: NDArray[np.float32]) -> Outputs:
    import torch

    logits_NK = torch.from_numpy(values_NK)
    nothing: torch.Tensor = logits_NK[:0]
    return Outputs(logits_NK, logits_NK, nothing, nothing, nothing, nothing)
