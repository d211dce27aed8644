"""The runs of a study as an Arrow table, one row each, and as plain objects."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from sfcmt.errors import SfcmtError
from sfcmt.reports.statistics.samples import Sample

SCHEMA = pa.schema(
    [
        ("study", pa.string()),
        ("experiment", pa.string()),
        ("method", pa.string()),
        ("data", pa.string()),
        ("data_digest", pa.string()),
        ("arm", pa.string()),
        ("is_baseline", pa.bool_()),
        ("factors", pa.string()),
        ("seed", pa.int64()),
        ("transfer", pa.string()),
        ("seconds", pa.float64()),
        ("reused", pa.bool_()),
    ]
)
"""Columns of every study. Columns `validator/NAME` and `oracle/NAME` hold scores; oracles have read target labels."""
VALIDATOR, ORACLE = "validator/", "oracle/"


def is_share(column: str) -> bool:
    """Whether its values lie in [0, 1]: accuracies do, validators' scores need not."""
    return column in (f"{ORACLE}accuracy", f"{ORACLE}balanced_accuracy")


class ReportError(SfcmtError):
    """A study cannot be reported."""


@dataclass(frozen=True)
class Run:
    """One arm under one seed."""

    arm: str
    is_baseline: bool
    factors: Mapping[str, Any]
    """Level of each factor of an ablation, or value of each field that was searched."""
    seed: int
    transfer: str | None
    """Identity of its transfer stage; None if it failed."""
    seconds: float | None
    reused: bool | None
    scores: Mapping[str, float]
    """By column; those that are missing are left out."""
    failure: str | None = None
    """Why it failed, if that is known."""


def runs_of(table: pa.Table, place: str) -> tuple[Run, ...]:
    """The rows. Raises `ReportError` if columns are missing or there is no row."""
    if absent := [name for name in SCHEMA.names if name not in table.column_names]:
        raise ReportError(f"{place}: columns {', '.join(absent)} are missing")
    if not table.num_rows:
        raise ReportError(f"{place}: no rows, so there is nothing to report")
    return tuple(_run(row) for row in table.to_pylist())


def samples_of(runs: Sequence[Run], column: str) -> dict[str, Sample]:
    """Values of a column by arm and seed; arms without any have an empty sample."""
    arms = dict.fromkeys(run.arm for run in runs)
    return {
        arm: {run.seed: run.scores[column] for run in runs if run.arm == arm and column in run.scores} for arm in arms
    }


def _run(row: Mapping[str, Any]) -> Run:
    scored = {name: value for name, value in row.items() if name.startswith((VALIDATOR, ORACLE))}
    return Run(
        arm=row["arm"],
        is_baseline=row["is_baseline"],
        factors=json.loads(row["factors"]),
        seed=row["seed"],
        transfer=row["transfer"],
        seconds=row["seconds"],
        reused=row["reused"],
        scores={name: value for name, value in scored.items() if value is not None and math.isfinite(value)},
        failure=row.get("failure"),
    )
