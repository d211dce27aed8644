"""A study on disk: its folder, its identity, its pool of outputs, and the pick.

STORE/studies/NAME-IDENTITY/
  spec.json         the checked spec and experiment
  journal.log       the Optuna study (unless it is in a database)
  reports/          every report of every trial, for MLflow
  selection.json    the winner, written once, when every trial has ended
  scores.json       what the labels say of it, written by `sfcmt score`
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from sfcmt.data.dataset import Dataset
from sfcmt.data.opening import open_dataset
from sfcmt.data.schema import Split
from sfcmt.errors import ConfigError, Problem
from sfcmt.experiment import Experiment, parse_experiment
from sfcmt.identity import digest, result_fields
from sfcmt.outputs import Outputs
from sfcmt.stages.transfer import OUTPUTS, TransferStage
from sfcmt.store import Store
from sfcmt.validators import POOL_VALIDATORS
from tuning.search.optuna_study import OptunaStudy, SearchError
from tuning.search.space import declared_space
from tuning.search.spec import CheckedSearch, SearchSpec

SPEC, SELECTION, REPORTS = "spec.json", "selection.json", "reports"


class Study:
    """One search with its trials. Making it opens (or makes) its folder and its Optuna study."""

    def __init__(self, name: str, checked: CheckedSearch) -> None:
        self.name, self.spec, self.space = name, checked.spec, checked.space
        self.experiment = _with_absolute_store(checked.experiment)
        self.store = Store(self.experiment.runtime.store_path)
        self.dataset = open_dataset(self.experiment.data, self.store.root)
        self.identity = _identity(checked, self.dataset)
        self.folder = self._open_folder()
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
    def find(place: str, store: Path) -> Study:
        """The study in a folder, or the only one of that name in the store. Raises `ConfigError`."""
        known = sorted((store / "studies").glob("*"))
        named = [path for path in known if place in (path.name, path.name.rpartition("-")[0])]
        folders = [Path(place)] if (Path(place) / SPEC).is_file() else named
        if len(folders) != 1:
            names = ", ".join(path.name for path in known) or "none"
            raise ConfigError([Problem("STUDY", place, f"a study's folder, or a name among {names}")])
        saved = json.loads((folders[0] / SPEC).read_text())
        spec, experiment = SearchSpec.model_validate(saved["spec"]), parse_experiment(saved["experiment"])
        space = declared_space(experiment) if spec.space == "auto" else spec.space
        checked = CheckedSearch(spec, experiment, space)
        if not folders[0].name.endswith(_identity(checked, open_dataset(experiment.data, store))):
            raise SearchError(f"{folders[0]}: its data set or its code has changed since; it cannot be opened any more")
        return Study(saved["name"], checked)

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
        return self.store.root / "stages" / f"{TransferStage.kind}-{trial.user_attrs['transfer']}"

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
        write_json(self.folder / SELECTION, selection)
        return selection

    def selection(self) -> dict[str, Any]:
        """What `pick` wrote. Raises `SearchError` if the search has not ended."""
        path = self.folder / SELECTION
        if not path.is_file():
            raise SearchError(f"study {self.name} has no winner yet; finish it with: sfcmt tune")
        selection: dict[str, Any] = json.loads(path.read_text())
        return selection

    def _open_folder(self) -> Path:
        studies = self.store.root / "studies"
        folder = studies / f"{self.name}-{self.identity}"
        twins = [path.name for path in studies.glob(f"*-{self.identity}") if path != folder]
        if twins:
            raise ConfigError([Problem("SPEC", self.name, f"{twins[0]}, under which the same study exists already")])
        folder.mkdir(parents=True, exist_ok=True)
        saved = {"name": self.name, "spec": self.spec.model_dump(mode="json", exclude_none=True)}
        write_json(folder / SPEC, saved | {"experiment": self.experiment.model_dump(mode="json")})
        return folder


def write_json(path: Path, document: object) -> None:
    """Write a JSON file in one move; the same document gives the same bytes."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(document, indent=2) + "\n")
    temporary.rename(path)


def _or_worst(value: float) -> float:
    return value if math.isfinite(value) else -math.inf


def _with_absolute_store(experiment: Experiment[Any]) -> Experiment[Any]:
    """Trials run in folders of their own: a relative store would be another one for each."""
    store = str(experiment.runtime.store_path.resolve())
    runtime = experiment.runtime.model_copy(update={"store": store})
    return experiment.model_copy(update={"runtime": runtime})


def _identity(checked: CheckedSearch, dataset: Dataset) -> str:
    """Digest of all that can change the trials or the pick. Never of target labels."""
    spec = checked.spec.model_dump(mode="json", include={"objective", "pick", "anchors", "search", "scheduler"})
    space = {name: one.model_dump(mode="json", exclude_none=True) for name, one in checked.space.items()}
    return digest([spec, list(space.items()), result_fields(checked.experiment), dataset.digest(*Split)])
