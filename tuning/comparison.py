"""Several methods and seeds on shared stages: what `sfcmt run` and `sfcmt compare` train."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from sfcmt.callbacks import Callback
from sfcmt.data.dataset import Dataset
from sfcmt.data.opening import open_dataset
from sfcmt.evaluation.labels import has_labels, has_real_source, open_labels
from sfcmt.evaluation.oracles import RealSourceOracle, SupervisedOracle, oracle_logits
from sfcmt.evaluation.scores import Scores, score
from sfcmt.experiment import Experiment, parse_experiment
from sfcmt.outputs import Outputs
from sfcmt.progress import ProgressLines
from sfcmt.stages.stage import Stage
from sfcmt.stages.transfer import OUTPUTS, TransferStage
from sfcmt.store import Artifact, Store
from sfcmt.validators import POOL_VALIDATORS, VALIDATORS


@dataclass(frozen=True)
class Cell:
    """One method under one seed, trained."""

    stage: TransferStage
    artifact: Artifact

    @property
    def method(self) -> str:
        """The method's name."""
        return self.stage.name

    @property
    def seed(self) -> int:
        """The seed of all its stages."""
        return self.stage.seed

    @cached_property
    def outputs(self) -> Outputs:
        """What the target model says of the data."""
        return Outputs.load(self.artifact.path / OUTPUTS)


class Comparison:
    """Methods by seeds of one experiment."""

    def __init__(
        self, experiment: Experiment[Any], methods: Sequence[str], seeds: Sequence[int], oracles: bool
    ) -> None:
        self.experiment, self.methods, self.seeds = experiment, methods, seeds
        self.store = Store(experiment.runtime.store_path)
        self.dataset = open_dataset(experiment.data, self.store.root)
        by_method = {name: experiment.with_method(name) for name in methods}
        self.transfers = [TransferStage(by_method[name], self.dataset, seed) for seed in seeds for name in methods]
        self.oracles = self._oracle_stages() if oracles else []

    def train(self, callback: Callback, jobs: int = 1) -> None:
        """Obtain every stage; those that exist are not trained again."""
        if jobs == 1:
            for stage in [*self.transfers, *self.oracles]:
                self.store.obtain(stage, self.experiment.runtime, callback)
            return
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
            for level in _levels([*self.transfers, *self.oracles]):
                missing = [stage for stage in level if self.store.find(stage) is None]
                list(pool.map(_obtain_in_worker, map(_order_of, missing)))
                for stage in level:
                    callback.stage_ended(stage, replace(self._artifact(stage), reused=stage not in missing))

    @cached_property
    def cells(self) -> list[Cell]:
        """Every method under every seed, after `train`."""
        return [Cell(stage, self._artifact(stage)) for stage in self.transfers]

    def validations(self) -> Iterator[tuple[Cell, dict[str, float]]]:
        """Label-free scores of each cell; pool validators see the methods of one seed."""
        for seed in self.seeds:
            pool = [cell for cell in self.cells if cell.seed == seed]
            pooled = {name: validator([cell.outputs for cell in pool]) for name, validator in POOL_VALIDATORS.items()}
            for place, cell in enumerate(pool):
                own = {name: validator(cell.outputs) for name, validator in VALIDATORS.items()}
                yield cell, own | {name: scores[place] for name, scores in pooled.items()}

    def scores(self) -> dict[tuple[str, int], Scores]:
        """Oracle scores by row and seed; opens the sealed labels. Empty if the data set has none."""
        if not has_labels(self.dataset):
            return {}
        labels_N = open_labels(self.dataset).labels_N
        found = {(cell.method, cell.seed): score(cell.outputs.target_logits, labels_N) for cell in self.cells}
        for stage in self.oracles:
            logits_NK: Tensor = oracle_logits(self._artifact(stage))
            found[stage.name, stage.seed] = score(logits_NK, labels_N)
        return found

    def _artifact(self, stage: Stage) -> Artifact:
        artifact = self.store.find(stage)
        assert artifact is not None, f"{stage.name} has not been trained"
        return artifact

    def _oracle_stages(self) -> list[Stage]:
        kinds: list[type[Stage]] = [SupervisedOracle] if has_labels(self.dataset) else []
        kinds += [RealSourceOracle] if kinds and has_real_source(self.dataset) else []
        return [kind(self.experiment, self.dataset, seed) for kind in kinds for seed in self.seeds]


@dataclass(frozen=True)
class _Order:
    """A stage that another process is asked to obtain."""

    kind: type[Stage]
    experiment: dict[str, Any]
    folder: Path
    seed: int


def _order_of(stage: Stage) -> _Order:
    return _Order(type(stage), stage.experiment.model_dump(mode="json"), stage.dataset.folder, stage.seed)


def _obtain_in_worker(order: _Order) -> None:
    import torch

    torch.set_num_threads(1)  # more on busy cores makes all slower
    experiment = parse_experiment(order.experiment)
    stage = order.kind(experiment, Dataset(order.folder), order.seed)
    Store(experiment.runtime.store_path).obtain(stage, experiment.runtime, ProgressLines())


def _levels(stages: Iterable[Stage]) -> list[list[Stage]]:
    """All stages with what they stand on, each once, in rounds that only need the rounds before."""
    depth: dict[str, int] = {}
    by_identity: dict[str, Stage] = {}

    def visit(stage: Stage) -> int:
        if stage.identity not in depth:
            depth[stage.identity] = 1 + max(map(visit, stage.upstream), default=-1)
            by_identity[stage.identity] = stage
        return depth[stage.identity]

    for stage in stages:
        visit(stage)
    rounds: list[list[Stage]] = [[] for _ in range(max(depth.values()) + 1)]
    for identity, stage in by_identity.items():
        rounds[depth[identity]].append(stage)
    return rounds
