"""The MLflow tracker: what has been trained is read from the store and logged, once for each identity.

Training never waits for tracking. If MLflow cannot be reached at the end, the same command later finds all stages
trained, and logs them then.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import mlflow
import torch
from mlflow.data.dataset_source_registry import get_dataset_source_from_json
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import Metric
from mlflow.models import infer_signature

from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split, file_name
from sfcmt.evaluation.scores import Scores
from sfcmt.identity import digest, result_fields
from sfcmt.models.target_model import TargetModel
from sfcmt.recipe import Recipe
from sfcmt.store import Store
from sfcmt.tuning.comparison import Cell, Comparison
from sfcmt.tuning.figures import figures_of
from sfcmt.tuning.mlflow_calls import active_run, log_missing_params, open_experiment, place, tag_is
from sfcmt.tuning.summary import Summary

IDENTITY = "sfcmt.identity"
PARENT = "mlflow.parentRunId"
_MOST_METRICS = 1000
"""What MLflow takes in one request."""


class Tracker:
    """Logs to the MLflow experiment called `experiment`, at `MLFLOW_TRACKING_URI` or MLflow's default."""

    def __init__(self, experiment: str) -> None:
        self._client = mlflow.MlflowClient()
        self._experiment_id = open_experiment(experiment)

    def log_cell(
        self,
        cell: Cell,
        comparison: Comparison,
        validators: Mapping[str, float],
        scores: Scores | None,
        parent: str | None = None,
    ) -> str:
        """Log one trained model with its curves and figures; the run's id. What is logged already is left alone.

        A run without a parent also gets the model itself, loadable by `mlflow.pytorch` without pickle.
        """
        identity = digest([cell.recipe.identity, comparison.dataset.manifest.model_dump(mode="json"), parent])
        with self._run_once(f"{cell.method} seed {cell.seed}", identity, parent) as (run_id, is_new):
            if is_new:
                self._client.log_batch(run_id, tags=tags_of(cell))
                log_missing_params(self._client, self._client.get_run(run_id), params_of(cell))
                log_metrics(self._client, run_id, _metrics(cell, comparison.store, validators, scores))
                log_datasets(comparison.dataset)
                for name, figure in figures_of(cell, comparison):
                    mlflow.log_figure(figure, f"figures/{name}.png")
                if parent is None:
                    log_model(TargetModel.load(cell.artifact.path), comparison.dataset, validators)
            return run_id

    def log_comparison(self, comparison: Comparison, summary: Summary, name: str) -> str:
        """Log the parent run: the summary's means as metrics, the whole of it as a table; the run's id."""
        recipes = [*comparison.transfers, *comparison.oracles]
        identity = digest(
            [*sorted(recipe.identity for recipe in recipes), comparison.dataset.manifest.model_dump_json()]
        )
        with self._run_once(name, identity, None) as (run_id, is_new):
            if is_new:
                mlflow.log_dict(summary.as_json(), "summary.json")
                log_metrics(self._client, run_id, _summary_metrics(summary))
                log_datasets(comparison.dataset)
            return run_id

    @property
    def uri(self) -> str:
        """Where the runs are, without a password."""
        return place()

    @contextmanager
    def _run_once(self, name: str, identity: str, parent: str | None) -> Iterator[tuple[str, bool]]:
        """The finished run of this identity, or one that is active and finishes on a clean exit.

        That is a new one, or one that has failed: its server was lost. Another process may be at work on what runs.
        """
        found = self._client.search_runs([self._experiment_id], tag_is(IDENTITY, identity))
        if finished := [run for run in found if run.info.status == "FINISHED"]:
            yield finished[0].info.run_id, False
            return
        tags = {IDENTITY: identity} | ({PARENT: parent} if parent else {})
        failed = next((run.info.run_id for run in found if run.info.status == "FAILED"), None)
        with active_run(self._experiment_id, failed, name, tags) as run_id:
            yield run_id, True


def log_metrics(client: mlflow.MlflowClient, run_id: str, metrics: list[Metric]) -> None:
    """Log any number of metrics, in as few requests as MLflow takes."""
    for start in range(0, len(metrics), _MOST_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + _MOST_METRICS])


def params_of(cell: Cell) -> dict[str, object]:
    """All fields that can change the result, by their dotted names, and the seed."""
    recipe = cell.recipe
    configs = {one.name: one.config for one in recipe.upstream} | {recipe.kind: recipe.config, "data": recipe.data}
    flat = {"method": recipe.name} | _flatten({role: result_fields(config) for role, config in configs.items()})
    flat |= {"seed": cell.seed} | ({"translator": recipe.translator} if recipe.translator else {})
    return flat


def tags_of(cell: Cell) -> list[mlflow.entities.RunTag]:
    """What a run is of, and where its artifact is."""
    tags = {"method": cell.method, "stage": cell.recipe.identity, "artifact": str(cell.artifact.path)}
    return [mlflow.entities.RunTag(f"sfcmt.{key}", value) for key, value in tags.items()]


def _metrics(cell: Cell, store: Store, validators: Mapping[str, float], scores: Scores | None) -> list[Metric]:
    now = int(time.time() * 1000)
    metrics = [Metric(f"validator/{name}", value, now, 0) for name, value in validators.items()]
    if scores is not None:
        metrics += [Metric(f"oracle/{name}", value, now, 0) for name, value in scores.figures.items()]
    return metrics + training_metrics(cell, store, now)


def training_metrics(cell: Cell, store: Store, now: int) -> list[Metric]:
    """Curves, results and seconds of all stages of a cell; `now` is in milliseconds since 1970."""
    recipes: dict[str, Recipe] = {recipe.name: recipe for recipe in cell.recipe.upstream} | {
        cell.recipe.kind: cell.recipe
    }
    return [metric for role, recipe in recipes.items() for metric in _stage_metrics(role, recipe, store, now)]


def _stage_metrics(role: str, recipe: Recipe, store: Store, now: int) -> list[Metric]:
    artifact = store.find(recipe)
    if artifact is None:  # a machine that was handed the finished transfer only
        return []
    curves = [
        Metric(f"{role}/{name}", value, now, int(row["epoch"]))
        for row in artifact.curves
        for name, value in row.items()
        if name != "epoch"
    ]
    results = {f"{role}/{name}": value for name, value in artifact.metrics.items()}
    results[f"{role}/seconds"] = artifact.seconds
    return curves + [Metric(name, value, now, 0) for name, value in results.items()]


def _summary_metrics(summary: Summary) -> list[Metric]:
    now = int(time.time() * 1000)
    columns = ("accuracy", "balanced_accuracy", "held_out_accuracy", "held_out_balanced_accuracy")
    return [
        Metric(f"oracle/{column}/{row.method}", sum(values) / len(values), now, 0)
        for row in summary.rows
        for column in columns
        if (values := getattr(row, column))
    ]


def log_datasets(dataset: Dataset) -> None:
    """Log the data set's files, with their digests, as inputs of the active run."""
    for split in dataset.manifest.files:
        mlflow.log_input(_mlflow_dataset(dataset, split), context=split)


def _mlflow_dataset(dataset: Dataset, split: Split) -> MetaDataset:
    place = json.dumps({"uri": str(dataset.folder / file_name(split))})
    digest_of_file = dataset.manifest.entry(split).sha256[:16]
    return MetaDataset(get_dataset_source_from_json(place, "local"), f"{dataset.manifest.name}-{split}", digest_of_file)


def log_model(model: TargetModel, dataset: Dataset, validators: Mapping[str, float]) -> None:
    """Log as an exported program (pt2): no pickle, dynamic batch; input is raw target pixels, output logits.

    The logged model is linked to the target images that it is for, and to what the validators say of it there.
    """
    spec = model.spec
    example = torch.full((2, spec.channels, spec.size, spec.size), spec.normalisation.mean[0])
    with torch.no_grad():
        logits = model(example)
    logged = mlflow.pytorch.log_model(
        model,
        name="model",
        serialization_format="pt2",
        input_example=example.numpy(),
        signature=infer_signature(example.numpy(), logits.numpy()),
        pip_requirements=[f"torch=={torch.__version__.split('+')[0]}"],  # given, since guessing takes seconds
        metadata={"spec": spec.model_dump_json()},
    )
    scores = {f"validator/{name}": value for name, value in validators.items()}
    mlflow.log_metrics(scores, model_id=logged.model_id, dataset=_mlflow_dataset(dataset, Split.TARGET))


def _flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
