"""A study: its identity, its trials, its pool of outputs, and the pick. What it keeps is in its folder."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from clusters.lasting import refuse_fleeting_store
from sfcmt.data.dataset import Dataset
from sfcmt.data.opening import absolute_data, open_dataset
from sfcmt.data.schema import Split
from sfcmt.errors import ConfigError, Problem
from sfcmt.experiment import Experiment, parse_experiment
from sfcmt.identity import digest, result_fields
from sfcmt.outputs import OUTPUTS, Outputs
from sfcmt.stages.transfer import TransferStage
from sfcmt.storage import absolute_store, local_folder
from sfcmt.store import Store
from sfcmt.validators import POOL_VALIDATORS
from tuning.kinds import StudyKind
from tuning.search.optuna_study import OptunaStudy, SearchError
from tuning.search.space import declared_space
from tuning.search.spec import CheckedSearch, Resources, SearchSpec
from tuning.search.study_folder import (
    DISTILLED,
    SELECTION,
    SPEC,
    StudyFolder,
    find_folder,
    kind_of,
    study_names,
    write_json,
    write_spec,
)


class Study:
    """One search with its trials. Making it opens (or makes) its folder and its Optuna study."""

    def __init__(self, name: str, checked: CheckedSearch) -> None:
        refuse_fleeting_store(checked.experiment.runtime.store)
        self.name, self.spec, self.space = name, checked.spec, checked.space
        self.experiment = placed(checked.experiment, checked.spec.resources)
        self.store = Store(self.experiment.runtime.store)
        self.dataset = open_dataset(self.experiment.data, self.store.root)
        self.identity = _identity(checked, self.dataset)
        self._folder = self._open_folder()
        self.folder = self._folder.path
        self.optuna = OptunaStudy(
            self.folder,
            f"{name}-{self.identity}",
            self.space,
            self.spec.search,
            self.spec.scheduler,
            len(self.spec.objective.names),
            self.spec.storage,
        )

    @staticmethod
    def find(place: str, store: str | Path) -> Study:
        """The study in a folder, or the only one of that name in the store. Raises `ConfigError`."""
        if kind_of(Path(place)) is StudyKind.SEARCH:
            return _reopened(Path(place))
        found = Store(store)
        return _reopened(find_folder(place, found, StudyKind.SEARCH), absolute_store(found.place))

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials of the Optuna study."""
        trials: list[FrozenTrial] = self.optuna.study.get_trials(deepcopy=False)
        return trials

    @cached_property
    def anchors(self) -> list[TransferStage]:
        """The methods that are always in the pool."""
        seed = self.experiment.seed
        return [TransferStage(self.experiment.with_method(name), self.dataset, seed) for name in self.spec.anchors]

    def pool(self) -> Iterator[tuple[str, Outputs]]:
        """Saved outputs of the anchors, by method, and of all completed trials, by number."""
        for stage in self.anchors:
            artifact = self.store.find(stage)
            if artifact is None:
                raise SearchError(f"anchor {stage.name} has not been trained; run the search again")
            yield stage.name, Outputs.load(artifact.path / OUTPUTS)
        for trial in self.trials:
            if trial.state == TrialState.COMPLETE:
                yield str(trial.number), Outputs.load(self.artifact(trial) / OUTPUTS)

    def artifact(self, trial: FrozenTrial) -> Path:
        """Folder of a completed trial's transfer stage."""
        return self.transfer(trial.user_attrs["transfer"])

    def transfer(self, identity: str) -> Path:
        """Folder of a transfer stage that belongs to the study."""
        if (artifact := self.store.open(TransferStage.kind, identity)) is None:
            raise SearchError(f"study {self.name}: {TransferStage.kind}-{identity} is missing in {self.store.place}")
        return artifact.path

    def pick(self) -> dict[str, Any]:
        """Choose the winner among the completed trials and write it down. Raises `SearchError` on a partial study."""
        if not self.optuna.is_finished:
            raise SearchError(f"study {self.name}: not all trials have ended; run the same command again")
        names, outputs = zip(*self.pool(), strict=True)
        scores = dict(zip(names, POOL_VALIDATORS[self.spec.pick.validator](outputs), strict=True))
        completed = {trial.number: trial for trial in self.trials if str(trial.number) in scores}
        if not completed:
            raise SearchError(
                f"study {self.name}: no trial completed, so there is no winner; see sfcmt study {self.name}"
            )
        winner = max(completed, key=lambda number: (_or_worst(scores[str(number)]), -number))
        selection = {
            "study": self.identity,
            "winner": winner,
            "values": completed[winner].user_attrs["values"],
            "transfer": completed[winner].user_attrs["transfer"],
            "pick": self.spec.pick.validator,
            "scores": scores,
        }
        self.write(SELECTION, selection)
        return selection

    def selection(self) -> dict[str, Any]:
        """What `pick` wrote. Raises `SearchError` if the search has not ended."""
        path = self.folder / SELECTION
        if not path.is_file():
            raise SearchError(f"study {self.name} has no winner yet; finish it with: sfcmt tune")
        selection: dict[str, Any] = json.loads(path.read_text())
        return selection

    def distilled(self) -> dict[str, Any] | None:
        """What `sfcmt distill` wrote, if it has been run."""
        path = self.folder / DISTILLED
        return dict(json.loads(path.read_text())) if path.is_file() else None

    def write(self, name: str, document: object) -> None:
        """Write a JSON file into the study's folder, and publish it."""
        write_json(self.folder / name, document)
        self._folder.publish(name)

    def driving(self) -> AbstractContextManager[None]:
        """Context of the process that runs the trials: see `StudyFolder.driving`."""
        return self._folder.driving()

    def _open_folder(self) -> StudyFolder:
        name = f"{self.name}-{self.identity}"
        twins = [known for known in study_names(self.store) if known.endswith(f"-{self.identity}") and known != name]
        if twins:
            raise ConfigError([Problem("SPEC", self.name, f"{twins[0]}, under which the same study exists already")])
        folder = StudyFolder(self.store, name)
        saved = {"name": self.name, "spec": self.spec.model_dump(mode="json", exclude_none=True)}
        write_spec(folder.path / SPEC, saved | {"experiment": self.experiment.model_dump(mode="json")})
        return folder


def _reopened(folder: Path, store: str | None = None) -> Study:
    saved = json.loads((folder / SPEC).read_text())
    spec, experiment = SearchSpec.model_validate(saved["spec"]), parse_experiment(saved["experiment"])
    if store:  # it may have another place on this machine
        runtime = experiment.runtime.model_copy(update={"store": store})
        experiment = experiment.model_copy(update={"runtime": runtime})
    space = declared_space(experiment) if spec.space == "auto" else spec.space
    checked = CheckedSearch(spec, experiment, space)
    dataset = open_dataset(experiment.data, local_folder(experiment.runtime.store))
    if not folder.name.endswith(_identity(checked, dataset)):
        raise SearchError(f"{folder}: its data set or its code has changed since; it cannot be opened any more")
    return Study(saved["name"], checked)


def _or_worst(value: float) -> float:
    return value if math.isfinite(value) else -math.inf


def placed(experiment: Experiment[Any], resources: Resources) -> Experiment[Any]:
    """With the resources of a trial, and absolute places: trials, and whoever opens the study later, are elsewhere."""
    runtime = resources.applied_to(experiment.runtime)
    runtime = runtime.model_copy(update={"store": absolute_store(runtime.store)})
    return experiment.model_copy(update={"runtime": runtime, "data": absolute_data(experiment.data)})


def _identity(checked: CheckedSearch, dataset: Dataset) -> str:
    """Digest of all that can change the trials or the pick. Never of target labels."""
    spec = checked.spec.model_dump(mode="json", include={"objective", "pick", "anchors", "search", "scheduler"})
    space = {name: one.model_dump(mode="json", exclude_none=True) for name, one in checked.space.items()}
    baselines = checked.experiment.baselines  # anchors, and methods to start from, are trained as these say
    return digest([spec, list(space.items()), result_fields(checked.experiment), baselines, dataset.digest(*Split)])
