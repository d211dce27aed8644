"""Several methods and seeds on shared stages: what `sfcmt run` and `sfcmt compare` train."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from torch import Tensor

from sfcmt.artifact import Artifact
from sfcmt.callbacks import Callback
from sfcmt.clusters.persistence import require_persistent_store
from sfcmt.evaluation.labels import has_labels, open_labels
from sfcmt.evaluation.oracles import oracle_logits, oracle_recipes
from sfcmt.evaluation.scores import Scores, score
from sfcmt.experiment import Experiment
from sfcmt.outputs import Outputs
from sfcmt.recipe import Recipe
from sfcmt.recipes import transfer_recipe
from sfcmt.store import Store
from sfcmt.task import open_task
from sfcmt.tuning.training import train_stages
from sfcmt.validators import POOL_VALIDATORS, scores_of


@dataclass(frozen=True)
class Cell:
    """One method under one seed, trained."""

    recipe: Recipe
    artifact: Artifact

    @property
    def method(self) -> str:
        """The method's name."""
        return self.recipe.name

    @property
    def seed(self) -> int:
        """The seed of all its stages."""
        return self.recipe.seed

    @cached_property
    def outputs(self) -> Outputs:
        """What the target model says of the data."""
        return Outputs.load(self.artifact.path)


def validated(pool: Sequence[Outputs]) -> list[dict[str, float]]:
    """What every validator says of each model; pool validators see all of them."""
    pooled = {name: validator(pool) for name, validator in POOL_VALIDATORS.items()}
    return [
        scores_of(outputs) | {name: scores[place] for name, scores in pooled.items()}
        for place, outputs in enumerate(pool)
    ]


class Comparison:
    """Methods by seeds of one experiment."""

    def __init__(
        self, experiment: Experiment[Any], methods: Sequence[str], seeds: Sequence[int], oracles: bool = False
    ) -> None:
        require_persistent_store(experiment.runtime.store)
        self.experiment, self.methods, self.seeds = experiment, methods, seeds
        self.store = Store(experiment.runtime.store)
        self.dataset = open_task(experiment, self.store.root)
        by_method = {name: experiment.with_method(name) for name in methods}
        self.transfers = [transfer_recipe(by_method[name], self.dataset, seed) for seed in seeds for name in methods]
        self.oracles = oracle_recipes(experiment, self.dataset, seeds) if oracles else []

    def train(self, callback: Callback, jobs: int | None = None) -> None:
        """Train every recipe that is missing."""
        train_stages([*self.transfers, *self.oracles], self.experiment.runtime, self.store, callback, jobs)

    @cached_property
    def cells(self) -> list[Cell]:
        """Every method under every seed, after `train`."""
        return [Cell(recipe, self._artifact(recipe)) for recipe in self.transfers]

    def validations(self) -> Iterator[tuple[Cell, dict[str, float]]]:
        """Label-free scores of each cell; pool validators see the methods of one seed."""
        for seed in self.seeds:
            pool = [cell for cell in self.cells if cell.seed == seed]
            yield from zip(pool, validated([cell.outputs for cell in pool]), strict=True)

    def scores(self) -> dict[tuple[str, int], Scores]:
        """Oracle scores by row and seed; opens the sealed labels. Empty if the data set has none."""
        if not has_labels(self.dataset):
            return {}
        labels_N = open_labels(self.dataset).labels_N
        found = {(cell.method, cell.seed): score(cell.outputs.target_logits, labels_N) for cell in self.cells}
        for recipe in self.oracles:
            logits_NK: Tensor = oracle_logits(self._artifact(recipe))
            found[recipe.name, recipe.seed] = score(logits_NK, labels_N)
        return found

    def _artifact(self, recipe: Recipe) -> Artifact:
        artifact = self.store.find(recipe)
        assert artifact is not None, f"{recipe.name} has not been trained"
        return artifact
