"""The mirror of an ablation in MLflow: a parent run, a child for each arm, and for each of its seeds a grandchild.

A seed's run is written when it is trained, and finished, with what the validators and the labels say, when
`results.arrow` is there. Metrics are dated by the start of their run, so that what is written again is the same.
"""

from __future__ import annotations

from functools import cached_property
from statistics import fmean

from mlflow.entities import Metric
from mlflow.entities import Run as TrackedRun

from sfcmt.artifact import Artifact
from sfcmt.callbacks import Callback
from sfcmt.recipe import Recipe
from sfcmt.tuning.ablation.designs import Arm
from sfcmt.tuning.ablation.results import (
    HELD_OUT_COLUMNS,
    ORACLE_COLUMNS,
    REGRET_COLUMN,
    VALIDATOR_COLUMNS,
    values_of,
)
from sfcmt.tuning.ablation.study import RESULTS, Ablation, Run
from sfcmt.tuning.comparison import Cell
from sfcmt.tuning.mlflow_calls import active_run, log_missing_params
from sfcmt.tuning.mlflow_sync import MLflowSync
from sfcmt.tuning.search.study_folder import SPEC
from sfcmt.tuning.tracker import log_datasets, log_metrics, params_of, tags_of, training_metrics

_FINISHED = "FINISHED"
_COLUMNS = [*VALIDATOR_COLUMNS, *ORACLE_COLUMNS, *HELD_OUT_COLUMNS, REGRET_COLUMN]
"""An earlier release may not have written all of them."""


class AblationSync(MLflowSync, Callback):
    """Hears what is trained, and brings MLflow up to it."""

    def __init__(self, ablation: Ablation) -> None:
        super().__init__(ablation.name)
        self._ablation = ablation
        self._trained: dict[str, Artifact] = {}
        self._arms: dict[str, TrackedRun] = {}
        self._seeds: dict[tuple[str, int], TrackedRun] = {}
        self._is_done = False

    def stage_ended(self, recipe: Recipe, artifact: Artifact) -> None:
        """Remember it for the next sync."""
        self._trained[recipe.identity] = artifact

    @cached_property
    def _planned(self) -> list[Run]:
        """All runs that there may be; asked for when some are trained, since nuisance values are known by then."""
        most = self._ablation.most_seeds
        return self._ablation.runs({arm.name: most for arm in self._ablation.design.arms})

    def _write(self) -> None:
        if self._is_done:
            return
        self._open()
        parent = self._run_of(self._ablation.name, self._ablation.identity, None)
        trained = dict(self._trained)
        for run in self._planned if trained else ():
            artifact = trained.get(run.recipe.identity)
            if artifact and (run.arm.name, run.seed) not in self._seeds:
                self._seeds[run.arm.name, run.seed] = self._write_seed(run, artifact, parent)
        if (self._ablation.folder / RESULTS).is_file():
            self._write_results(parent)

    def _write_seed(self, run: Run, artifact: Artifact, parent: TrackedRun) -> TrackedRun:
        arm = self._arm(run.arm, parent)
        identity = f"{self._ablation.identity}-{run.arm.name}-{run.recipe.identity}"
        found = self._run_of(f"{run.arm.name} seed {run.seed}", identity, arm.info.run_id)
        if found.info.status != _FINISHED:
            cell = Cell(run.recipe, artifact)
            self._client.log_batch(found.info.run_id, tags=tags_of(cell))
            log_missing_params(self._client, found, params_of(cell))
            metrics = training_metrics(cell, self._ablation.store, found.info.start_time)
            log_metrics(self._client, found.info.run_id, metrics)
        return found

    def _arm(self, arm: Arm, parent: TrackedRun) -> TrackedRun:
        if arm.name not in self._arms:
            identity = f"{self._ablation.identity}-{arm.name}"
            found = self._run_of(arm.name, identity, parent.info.run_id)
            log_missing_params(self._client, found, {f"factor.{name}": level for name, level in arm.levels.items()})
            self._arms[arm.name] = found
        return self._arms[arm.name]

    def _write_results(self, parent: TrackedRun) -> None:
        """Finish all runs, the parent last. Nothing is done while some seeds have not been heard of."""
        results = self._ablation.results()
        rows = {(row["arm"], row["seed"]): row for row in results.to_pylist()}
        columns = [name for name in _COLUMNS if name in results.column_names]
        if not {key for key, row in rows.items() if row["transfer"]} <= self._seeds.keys():
            return
        if parent.info.status != _FINISHED:
            self._write_failures({key: row["failure"] for key, row in rows.items() if row["failure"]}, parent)
            for key, row in rows.items():
                if key in self._seeds:
                    self._finish(self._seeds[key], {name: row[name] for name in columns if row[name] is not None})
            values = {name: values_of(results, name) for name in columns}
            for arm, found in self._arms.items():
                means = {name: fmean(of[arm].values()) for name, of in values.items() if of[arm]}
                self._finish(found, means | {"seeds": len(values[columns[0]][arm])})
            self._finish_parent(parent)
        self._is_done = True

    def _write_failures(self, failures: dict[tuple[str, int], str], parent: TrackedRun) -> None:
        for run in self._planned:
            if reason := failures.get((run.arm.name, run.seed)):
                identity = f"{self._ablation.identity}-{run.arm.name}-{run.recipe.identity}"
                found = self._run_of(
                    f"{run.arm.name} seed {run.seed}", identity, self._arm(run.arm, parent).info.run_id
                )
                self._client.set_tag(found.info.run_id, "sfcmt.failure", reason)
                self._client.set_terminated(found.info.run_id, "FAILED")

    def _finish(self, run: TrackedRun, metrics: dict[str, float]) -> None:
        if run.info.status != _FINISHED:
            dated = [Metric(name, value, run.info.start_time, 0) for name, value in metrics.items()]
            log_metrics(self._client, run.info.run_id, dated)
            self._client.set_terminated(run.info.run_id)

    def _finish_parent(self, parent: TrackedRun) -> None:
        for name in (SPEC, RESULTS):
            self._client.log_artifact(parent.info.run_id, str(self._ablation.folder / name))
        with active_run(self._experiment_id, parent.info.run_id):
            log_datasets(self._ablation.dataset)

    def _run_of(self, name: str, identity: str, parent: str | None) -> TrackedRun:
        return self._find(identity) or self._create(name, identity, parent)
