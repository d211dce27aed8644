"""Several methods and seeds on shared stages: what `sfcmt run` and `sfcmt compare` train."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from torch import Tensor

from sfcmt.artifact import Artifact
from sfcmt.callbacks import Callback
from sfcmt.clusters.persistence import require_persistent_store
from sfcmt.evaluation.labels import has_labels, open_labels
from sfcmt.evaluation.oracles import oracle_logits, oracle_recipes
from sfcmt.evaluation.scores import Scores, score
from sfcmt.experiment import Experiment
from sfcmt.grounding.choice import Choice, choose
from sfcmt.grounding.evidence import PairEvidence
from sfcmt.grounding.gate import ASSOCIATION, gate
from sfcmt.logits_file import read_logits
from sfcmt.outputs import Outputs
from sfcmt.recipe import Recipe
from sfcmt.recipes import pair_evidence_recipe, transfer_recipe
from sfcmt.store import Store
from sfcmt.task import open_task
from sfcmt.tuning.training import train_stages
from sfcmt.validators import POOL_VALIDATORS, scores_of

CHOOSER = "ensv"
"""The pool validator that chooses among the methods that pass the gate of the pairs."""


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
        self,
        experiment: Experiment[Any],
        methods: Sequence[str],
        seeds: Sequence[int],
        oracles: bool = False,
        others: Mapping[str, Path] | None = None,
    ) -> None:
        """`others` are files of logits of other people's models, by name (`sfcmt.logits_file`)."""
        require_persistent_store(experiment.runtime.store)
        self.experiment, self.methods, self.seeds = experiment, methods, seeds
        self.store = Store(experiment.runtime.store)
        self.dataset = open_task(experiment, self.store.root)
        self.others = {name: read_logits(file, self.dataset) for name, file in (others or {}).items()}
        by_method = {name: experiment.with_method(name) for name in methods}
        self.transfers = [transfer_recipe(by_method[name], self.dataset, seed) for seed in seeds for name in methods]
        evidence = {seed: pair_evidence_recipe(experiment, self.dataset, seed) for seed in seeds}
        self.pair_evidence = {seed: recipe for seed, recipe in evidence.items() if recipe}
        self.oracles = oracle_recipes(experiment, self.dataset, seeds) if oracles else []

    def train(self, callback: Callback, jobs: int | None = None) -> None:
        """Train every recipe that is missing."""
        recipes = [*self.transfers, *self.pair_evidence.values(), *self.oracles]
        train_stages(recipes, self.experiment.runtime, self.store, callback, jobs)

    @cached_property
    def cells(self) -> list[Cell]:
        """Every method under every seed, after `train`."""
        return [Cell(recipe, self._artifact(recipe)) for recipe in self.transfers]

    def validations(self) -> Iterator[tuple[Cell, dict[str, float]]]:
        """Label-free scores of each cell."""
        for cell in self.cells:
            yield cell, self.validated[cell.seed][cell.method]

    @cached_property
    def validated(self) -> dict[int, dict[str, dict[str, float]]]:
        """Label-free scores by seed and name, of other people's models, too; pool validators see those of one seed."""
        return {seed: self._validated(seed) for seed in self.seeds}

    def _validated(self, seed: int) -> dict[str, dict[str, float]]:
        pool, passing = self._pool(seed), self.choices[seed].gate
        found = dict(zip(pool, validated(list(pool.values())), strict=True))
        for name, value in passing.associations.items() if passing else ():
            found[name][ASSOCIATION] = value
        return found

    @cached_property
    def choices(self) -> dict[int, Choice]:
        """Which model the pairs and `CHOOSER` choose without labels, by seed."""
        return {seed: self._choice(seed) for seed in self.seeds}

    def _choice(self, seed: int) -> Choice:
        pool, recipe = self._pool(seed), self.pair_evidence.get(seed)
        found = gate(pool, PairEvidence.load(self._artifact(recipe).path)) if recipe else None
        return choose(pool, list(pool), found, POOL_VALIDATORS[CHOOSER])

    def _pool(self, seed: int) -> dict[str, Outputs]:
        return {cell.method: cell.outputs for cell in self.cells if cell.seed == seed} | self.others

    def scores(self) -> dict[tuple[str, int], Scores]:
        """Oracle scores by row and seed; opens the sealed labels. Empty if the data set has none.

        Oracles are judged apart on the target images that are held out, too, though they know no difference.
        """
        if not has_labels(self.dataset):
            return {}
        labels_N = open_labels(self.dataset).labels_N
        held_out_N = self.cells[0].outputs.held_out
        found = {
            (cell.method, cell.seed): score(cell.outputs.target_logits, labels_N, held_out_N) for cell in self.cells
        }
        for name, outputs in self.others.items():
            judged = score(outputs.target_logits, labels_N, held_out_N)
            found |= dict.fromkeys(((name, seed) for seed in self.seeds), judged)
        for recipe in self.oracles:
            logits_NK: Tensor = oracle_logits(self._artifact(recipe))
            found[recipe.name, recipe.seed] = score(logits_NK, labels_N, held_out_N)
        return found

    def _artifact(self, recipe: Recipe) -> Artifact:
        artifact = self.store.find(recipe)
        assert artifact is not None, f"{recipe.name} has not been trained"
        return artifact
