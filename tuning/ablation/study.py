"""An ablation study: its identity, its runs, and the folder in which it is kept.

STORE/studies/NAME-IDENTITY/
  spec.json         the checked spec and experiment
  nuisance.json     values that were searched for each arm, if any were
  found.json        which transfers had been trained before the study came to them
  diverged.json     why transfers that cannot be trained cannot
  oracles.arrow     a row for each oracle and seed, if they were asked for
  results.arrow     a row for each arm and seed, written when all is trained
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from clusters.lasting import refuse_fleeting_store
from sfcmt.data.dataset import Dataset
from sfcmt.data.opening import open_dataset
from sfcmt.data.schema import Split
from sfcmt.errors import ConfigError, Problem
from sfcmt.evaluation.labels import has_labels
from sfcmt.experiment import Experiment
from sfcmt.identity import digest, result_fields
from sfcmt.stages.fit import DivergedError
from sfcmt.stages.stage import Stage
from sfcmt.stages.transfer import TransferStage
from sfcmt.store import Store
from tuning.ablation.designs import Arm
from tuning.ablation.spec import CheckedAblation
from tuning.kinds import StudyKind
from tuning.search.space import Values, apply_values
from tuning.search.study import placed
from tuning.search.study_folder import SPEC, StudyFolder, write_bytes, write_spec

RESULTS, ORACLES, NUISANCE = "results.arrow", "oracles.arrow", "nuisance.json"
FOUND, DIVERGED = "found.json", "diverged.json"


@dataclass(frozen=True)
class Run:
    """One arm under one seed."""

    arm: Arm
    stage: TransferStage

    @property
    def seed(self) -> int:
        """The seed of all its stages."""
        return self.stage.seed


class Ablation:
    """One ablation with its arms. Making it opens (or makes) its folder."""

    def __init__(self, name: str, checked: CheckedAblation) -> None:
        refuse_fleeting_store(checked.experiment.runtime.store)
        self.name, self.spec, self.design = name, checked.spec, checked.design
        self.checked = replace(checked, experiment=placed(checked.experiment, checked.spec.resources))
        self.experiment = self.checked.experiment
        self.store = Store(self.experiment.runtime.store)
        self.dataset = open_dataset(self.experiment.data, self.store.root)
        self.rule = checked.stopping_rule()
        if self.rule and self.spec.test.needs_labels and not has_labels(self.dataset):
            allowed = "a validator: the data set has no sealed labels to add seeds by"
            raise ConfigError([Problem("test.metric", self.spec.test.metric, allowed)])
        self.identity = _identity(checked, self.dataset)
        self._folder = StudyFolder(self.store, f"{name}-{self.identity}")
        self.folder = self._folder.path
        saved = {"kind": StudyKind.ABLATION, "name": name, "spec": self.spec.model_dump(mode="json", exclude_none=True)}
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
            Run(arm, TransferStage(experiment, self.dataset, seed))
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
        lost = {run.stage.identity: str(error) for run in runs if _stands_on(run.stage, error.identity)}
        self.write(DIVERGED, (json.dumps(self.diverged | lost, indent=2) + "\n").encode())

    def note_found(self, runs: list[Run]) -> dict[str, bool]:
        """Whether each run's transfer was there before the study came to it, by identity; asked once, and kept."""
        known: dict[str, bool] = self._read(FOUND)
        new = [run.stage for run in runs if run.stage.identity not in known]
        if new:
            known |= {stage.identity: self.store.find(stage) is not None for stage in new}
            self.write(FOUND, (json.dumps(known, indent=2) + "\n").encode())
        return known

    def results(self) -> pa.Table:
        """What `results.arrow` holds."""
        return pa.ipc.open_file((self.folder / RESULTS).read_bytes()).read_all()

    def write(self, name: str, content: bytes) -> None:
        """Write a file into the study's folder in one move, and publish it."""
        write_bytes(self.folder / name, content)
        self._folder.publish(name)

    def _read(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        return dict(json.loads(path.read_text())) if path.is_file() else {}

    def _experiment_of(self, arm: Arm, values: Values) -> Experiment[Any]:
        return apply_values(self.checked.experiment_of(arm), values)


def _stands_on(stage: Stage, identity: str) -> bool:
    return stage.identity == identity or any(_stands_on(upstream, identity) for upstream in stage.upstream)


def _identity(checked: CheckedAblation, dataset: Dataset) -> str:
    """Digest of all that can change the rows or how they are tested. Never of target labels."""
    spec = checked.spec.model_dump(mode="json", include={"seeds", "nuisance", "test", "oracles"}, exclude_none=True)
    arms = [[arm.name, dict(arm.levels), result_fields(checked.experiment_of(arm))] for arm in checked.design.arms]
    baselines = checked.experiment.baselines  # methods to start from are trained as these say
    return digest([spec, arms, result_fields(checked.experiment), baselines, dataset.digest(*Split)])
