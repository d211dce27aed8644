"""An ablation study: its identity, its runs, and the folder in which it is kept.

STORE/studies/NAME-IDENTITY/
  spec.json         the checked spec and experiment
  nuisance.json     values that were searched for each arm, if any were
  found.json        which transfers had been trained before the study came to them
  diverged.json     why transfers that cannot be trained cannot
  oracles.arrow     a row for each oracle and seed, if they were asked for
  results.arrow     a row for each arm and seed, written when all is trained
  extended.json     how many seeds there were when results were shown, before there were more
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from filelock import FileLock

from sfcmt.clusters.persistence import require_persistent_store
from sfcmt.data.dataset import Dataset
from sfcmt.durable import disk_errors, write_durably
from sfcmt.errors import ConfigError, Problem
from sfcmt.evaluation.folds import require_frames
from sfcmt.evaluation.labels import has_labels
from sfcmt.experiment import Experiment
from sfcmt.file_format import FORMAT, NOW
from sfcmt.identity import digest
from sfcmt.recipe import Recipe
from sfcmt.recipes import transfer_recipe
from sfcmt.stages.fit import DivergedError
from sfcmt.store import Store
from sfcmt.task import open_task
from sfcmt.tuning.ablation.designs import Arm
from sfcmt.tuning.ablation.retention import let_go_of_diverged
from sfcmt.tuning.ablation.spec import CheckedAblation
from sfcmt.tuning.kinds import StudyKind
from sfcmt.tuning.search.space import Values, apply_values
from sfcmt.tuning.search.study import placed
from sfcmt.tuning.search.study_folder import SPEC, StudyFolder, write_spec
from sfcmt.validators import VALIDATORS, validators_for

RESULTS, ORACLES, NUISANCE = "results.arrow", "oracles.arrow", "nuisance.json"
FOUND, DIVERGED, EXTENDED = "found.json", "diverged.json", "extended.json"


def read_extension(folder: Path) -> list[int]:
    """Numbers of seeds whose results were shown before there were more."""
    path = folder / EXTENDED
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else []


@dataclass(frozen=True)
class Run:
    """One arm under one seed."""

    arm: Arm
    recipe: Recipe

    @property
    def seed(self) -> int:
        """The seed of all its stages."""
        return self.recipe.seed


class Ablation:
    """One ablation with its arms. Making it opens (or makes) its folder."""

    def __init__(self, name: str, checked: CheckedAblation) -> None:
        require_persistent_store(checked.experiment.runtime.store)
        self.name, self.spec, self.design = name, checked.spec, checked.design
        self.checked = replace(checked, experiment=placed(checked.experiment, checked.spec.resources))
        self.experiment = self.checked.experiment
        self.store = Store(self.experiment.runtime.store)
        self.dataset = open_task(self.experiment, self.store.root)
        self.rule = checked.stopping_rule()
        if self.rule and self.spec.test.needs_labels and not has_labels(self.dataset):
            allowed = "a validator: the data set has no sealed labels to add seeds by"
            raise ConfigError([Problem("test.metric", self.spec.test.metric, allowed)])
        if self.spec.test.metric in VALIDATORS.keys() - validators_for(self.dataset.has_pairs):
            allowed = f"a metric that needs no TI pairs, of which {self.dataset.folder} has none"
            raise ConfigError([Problem("test.metric", self.spec.test.metric, allowed)])
        if self.spec.oracles and has_labels(self.dataset):
            require_frames(self.dataset)
        self.identity = _identity(checked, self.dataset)
        self._folder = StudyFolder(self.store, f"{name}-{self.identity}")
        self.folder = self._folder.path
        self.store.user = self.folder.name
        spec = self.spec.model_dump(mode="json", exclude_none=True)
        saved = {FORMAT: NOW, "kind": StudyKind.ABLATION, "name": name, "spec": spec}
        write_spec(self.folder / SPEC, saved | {"experiment": self.experiment.model_dump(mode="json")})
        self.driving = self._folder.driving

    @property
    def most_seeds(self) -> int:
        """How many seeds an arm may have."""
        seeds = self.spec.seeds
        return seeds if isinstance(seeds, int) else seeds.max

    @property
    def nuisance(self) -> dict[str, dict[str, Any]]:
        """What was searched for each arm: its `values`, and the search's folder."""
        return self._read(NUISANCE)

    def runs(self, counts: Mapping[str, int]) -> list[Run]:
        """The first seeds, so many as `counts` says for each arm, in the order of the design."""
        nuisance = self.nuisance
        return [
            Run(arm, transfer_recipe(experiment, self.dataset, seed))
            for arm in self.design.arms
            for experiment in [self._experiment_of(arm, nuisance.get(arm.name, {}).get("values", {}))]
            for seed in self.checked.seeds(counts[arm.name])
        ]

    @property
    def diverged(self) -> dict[str, str]:
        """Why transfers cannot be trained, by identity."""
        return self._read(DIVERGED)

    def note_diverged(self, runs: list[Run], error: DivergedError) -> None:
        """Give up the runs that are, or stand on, the stage that diverged: it would do so again."""
        lost = {run.recipe.identity: str(error) for run in runs if run.recipe.stands_on(error.identity)}
        with self._noting():
            self.write(DIVERGED, (json.dumps(self.diverged | lost, indent=2) + "\n").encode())
        if self.spec.keep != "all":
            let_go_of_diverged(self.store, self.folder.name, [run.recipe for run in runs], error.identity)

    def note_found(self, runs: list[Run]) -> dict[str, bool]:
        """Whether each run's transfer was there before the study came to it, by identity; asked once, and kept."""
        with self._noting():
            known: dict[str, bool] = self._read(FOUND)
            new = [run.recipe for run in runs if run.recipe.identity not in known]
            if new:
                known |= {recipe.identity: self.store.find(recipe) is not None for recipe in new}
                self.write(FOUND, (json.dumps(known, indent=2) + "\n").encode())
        return known

    def note_extension(self) -> None:
        """Keep how many seeds there are results of, if more are to be trained now that these may have been seen."""
        if not isinstance(self.spec.seeds, int) or not (self.folder / RESULTS).is_file():
            return
        with self._noting():
            shown, noted = len(set(self.results()["seed"].to_pylist())), read_extension(self.folder)
            if shown < self.spec.seeds and shown not in noted:
                self.write(EXTENDED, (json.dumps([*noted, shown]) + "\n").encode())

    def results(self) -> pa.Table:
        """What `results.arrow` holds."""
        return pa.ipc.open_file((self.folder / RESULTS).read_bytes()).read_all()

    def write(self, name: str, content: bytes) -> None:
        """Write a file into the study's folder in one move, and publish it."""
        write_durably(self.folder / name, content)
        self._folder.publish(name)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """One process at a time adds to what the study has noted. Raises `DiskError`."""
        with disk_errors(self.folder), FileLock(self.folder / "notes.lock"):
            yield

    def _read(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}

    def _experiment_of(self, arm: Arm, values: Values) -> Experiment[Any]:
        return apply_values(self.checked.experiment_of(arm), values)


def _identity(checked: CheckedAblation, dataset: Dataset) -> str:
    """Digest of all that can change the rows or how they are tested, but for a number of seeds: that can be raised.

    Never of target labels.
    """
    spec = checked.spec.model_dump(mode="json", include={"seeds", "nuisance", "test", "oracles"}, exclude_none=True)
    if isinstance(checked.spec.seeds, int):
        del spec["seeds"]
    seed = checked.experiment.seed
    arms = [
        [arm.name, dict(arm.levels), transfer_recipe(checked.experiment_of(arm), dataset, seed).identity]
        for arm in checked.design.arms
    ]
    return digest([spec, arms])
