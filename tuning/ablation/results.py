"""The results of an ablation: one row for each arm and seed, from the saved outputs of its models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from torch import Tensor

from sfcmt.evaluation.labels import has_labels, open_labels
from sfcmt.evaluation.oracles import oracle_logits
from sfcmt.evaluation.scores import score
from sfcmt.recipe import Recipe
from sfcmt.tuning.ablation.study import Ablation, Run
from sfcmt.tuning.comparison import Cell, validated
from sfcmt.validators import POOL_VALIDATORS, VALIDATORS

VALIDATOR_COLUMNS = [f"validator/{name}" for name in (*VALIDATORS, *POOL_VALIDATORS)]
ORACLE_COLUMNS = ["oracle/accuracy", "oracle/balanced_accuracy"]
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("study", "experiment", "method", "data", "data_digest", "arm")),
        ("is_baseline", pa.bool_()),
        ("factors", pa.string()),
        ("seed", pa.int64()),
        ("transfer", pa.string()),
        ("seconds", pa.float64()),
        ("reused", pa.bool_()),
        ("failure", pa.string()),
        ("made_by", pa.string()),
        *((name, pa.float64()) for name in (*VALIDATOR_COLUMNS, *ORACLE_COLUMNS)),
    ]
)


ORACLE_SCHEMA = pa.schema(
    [("oracle", pa.string()), ("seed", pa.int64()), *((name, pa.float64()) for name in ORACLE_COLUMNS)]
)


def oracles_of(ablation: Ablation, recipes: Sequence[Recipe]) -> pa.Table:
    """A row for each oracle stage, all of which are trained."""
    rows = []
    for recipe in recipes:
        artifact = ablation.store.find(recipe)
        assert artifact is not None, f"{recipe.name} has been trained"
        judged = score(oracle_logits(artifact), open_labels(ablation.dataset).labels_N)
        values = dict(zip(ORACLE_COLUMNS, (judged.accuracy, judged.balanced_accuracy), strict=True))
        rows.append({"oracle": recipe.name, "seed": recipe.seed} | values)
    return pa.Table.from_pylist(rows, ORACLE_SCHEMA)


def results_of(ablation: Ablation, runs: Sequence[Run], opens_labels: bool) -> pa.Table:
    """A row for each run, trained or diverged. Oracle columns are null without `opens_labels`, or labels."""
    labels_N = open_labels(ablation.dataset).labels_N if opens_labels and has_labels(ablation.dataset) else None
    found, diverged = ablation.note_found(list(runs)), ablation.diverged
    rows = {(run.arm.name, run.seed): _row(ablation, run, diverged.get(run.recipe.identity)) for run in runs}
    trained = [run for run in runs if run.recipe.identity not in diverged]
    for seed in sorted({run.seed for run in trained}):
        pool = [run for run in trained if run.seed == seed]  # pool validators see all arms of one seed
        for run, cell, scores in _judged(ablation, pool, labels_N):
            own = {
                "transfer": run.recipe.identity,
                "seconds": cell.artifact.seconds,
                "reused": found[run.recipe.identity],
                "made_by": json.dumps(cell.artifact.made_by),
            }
            rows[run.arm.name, seed] |= own | scores
    return pa.Table.from_pylist([rows[run.arm.name, run.seed] for run in runs], SCHEMA)


def values_of(results: pa.Table, column: str) -> dict[str, dict[int, float]]:
    """One column by arm and seed; what is missing is left out."""
    values: dict[str, dict[int, float]] = {name: {} for name in results["arm"].to_pylist()}
    for row in results.select(["arm", "seed", column]).to_pylist():
        if row[column] is not None:
            values[row["arm"]][row["seed"]] = row[column]
    return values


def to_bytes(results: pa.Table) -> bytes:
    """An Arrow IPC file; the same table gives the same bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, results.schema) as writer:
        writer.write_table(results.combine_chunks())
    return bytes(sink.getvalue())


def _judged(
    ablation: Ablation, pool: Sequence[Run], labels_N: Tensor | None
) -> Iterator[tuple[Run, Cell, dict[str, float]]]:
    cells = [cell_of(ablation, run) for run in pool]
    for run, cell, own in zip(pool, cells, validated([cell.outputs for cell in cells]), strict=True):
        scores = {f"validator/{name}": value for name, value in own.items()}
        if labels_N is not None:
            judged = score(cell.outputs.target_logits, labels_N)
            scores |= dict(zip(ORACLE_COLUMNS, (judged.accuracy, judged.balanced_accuracy), strict=True))
        yield run, cell, scores


def cell_of(ablation: Ablation, run: Run) -> Cell:
    """A run that has been trained."""
    artifact = ablation.store.find(run.recipe)
    assert artifact is not None, f"{run.arm.name}, seed {run.seed} has been trained"
    return Cell(run.recipe, artifact)


def _row(ablation: Ablation, run: Run, failure: str | None) -> dict[str, Any]:
    return {
        "study": ablation.folder.name,
        "experiment": Path(ablation.spec.experiment).stem,
        "method": run.recipe.name,
        "data": ablation.dataset.manifest.name,
        "data_digest": ablation.dataset.whole_digest,
        "arm": run.arm.name,
        "is_baseline": run.arm == ablation.design.baseline,
        "factors": json.dumps(dict(run.arm.levels)),
        "seed": run.seed,
        "failure": failure,
    }
