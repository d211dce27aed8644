"""The results of an ablation: one row for each arm and seed, from the saved outputs of its models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

from sfcmt.data.target_holdout import held_out
from sfcmt.evaluation.cross_fit import cross_fitted_regrets
from sfcmt.evaluation.labels import TargetLabels, has_labels, open_labels
from sfcmt.evaluation.oracles import oracle_logits
from sfcmt.evaluation.scores import Scores, right_of, score
from sfcmt.recipe import Recipe
from sfcmt.tuning.ablation.study import Ablation, Run
from sfcmt.tuning.comparison import Cell, validated
from sfcmt.validators import POOL_VALIDATORS, VALIDATORS

VALIDATOR_COLUMNS = [f"validator/{name}" for name in (*VALIDATORS, *POOL_VALIDATORS)]
ORACLE_COLUMNS = ["oracle/accuracy", "oracle/balanced_accuracy"]
REGRET_COLUMN = "oracle/cross_fitted_regret"
"""Of picking this arm from those of its seed."""
HELD_OUT_COLUMNS = ["oracle/held_out_accuracy", "oracle/held_out_balanced_accuracy"]
"""Of ablations whose experiment has a `data.target_holdout`: all other columns are on images adapted to, then."""
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
        *((name, pa.float64()) for name in (*VALIDATOR_COLUMNS, *ORACLE_COLUMNS, REGRET_COLUMN)),
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
        judged = score(oracle_logits(artifact), open_labels(ablation.dataset).labels_N, _held_out(ablation))
        rows.append({"oracle": recipe.name, "seed": recipe.seed} | _columns(judged))
    return _table(rows, ORACLE_SCHEMA)


def results_of(ablation: Ablation, runs: Sequence[Run], opens_labels: bool) -> pa.Table:
    """A row for each run, trained or diverged. Oracle columns are null without `opens_labels`, or labels."""
    target = open_labels(ablation.dataset) if opens_labels and has_labels(ablation.dataset) else None
    found, diverged = ablation.note_found(list(runs)), ablation.diverged
    rows = {(run.arm.name, run.seed): _row(ablation, run, diverged.get(run.recipe.identity)) for run in runs}
    trained = [run for run in runs if run.recipe.identity not in diverged]
    for seed in sorted({run.seed for run in trained}):
        pool = [run for run in trained if run.seed == seed]  # pool validators see all arms of one seed
        for run, cell, scores in _judged(ablation, pool, target):
            own = {
                "transfer": run.recipe.identity,
                "seconds": cell.artifact.seconds,
                "reused": found[run.recipe.identity],
                "made_by": json.dumps(cell.artifact.made_by),
            }
            rows[run.arm.name, seed] |= own | scores
    return _table([rows[run.arm.name, run.seed] for run in runs], SCHEMA)


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
    ablation: Ablation, pool: Sequence[Run], target: TargetLabels | None
) -> Iterator[tuple[Run, Cell, dict[str, float]]]:
    cells = [cell_of(ablation, run) for run in pool]
    regrets = _regrets(cells, target) if target and len(pool) > 1 else {}
    for run, cell, own in zip(pool, cells, validated([cell.outputs for cell in cells]), strict=True):
        scores = {f"validator/{name}": value for name, value in own.items()}
        if target is not None:
            scores |= _columns(score(cell.outputs.target_logits, target.labels_N, cell.outputs.held_out))
        if cell.recipe.identity in regrets:
            scores[REGRET_COLUMN] = regrets[cell.recipe.identity]
        yield run, cell, scores


def _regrets(cells: Sequence[Cell], target: TargetLabels) -> dict[str, float]:
    """By identity, on images adapted to; empty if there are too few frames."""
    target = target.adapted_to(cells[0].outputs)
    right = {cell.recipe.identity: right_of(cell.outputs.adapted_to.target_logits, target.labels_N) for cell in cells}
    return cross_fitted_regrets(right, target) or {}


def _columns(judged: Scores) -> dict[str, float]:
    return {f"oracle/{name}": value for name, value in judged.figures.items()}


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    """With the columns of held-out images, where any are."""
    more = [name for name in HELD_OUT_COLUMNS if any(name in row for row in rows)]
    return pa.Table.from_pylist(rows, pa.schema([*schema, *((name, pa.float64()) for name in more)]))


def _held_out(ablation: Ablation) -> Tensor | None:
    fraction = ablation.experiment.data.target_holdout
    return torch.from_numpy(held_out(ablation.dataset, fraction)) if fraction else None


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
