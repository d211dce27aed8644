"""A study: its trials, its pool of outputs, and the pick. What it keeps is in its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from sfcmt.clusters.persistence import require_persistent_store
from sfcmt.config import GivenSourceConfig
from sfcmt.data.dataset import Dataset
from sfcmt.data.manifest import MANIFEST
from sfcmt.data.opening import SYNTHETIC, absolute_data, open_elsewhere
from sfcmt.errors import ConfigError, DataError, Problem
from sfcmt.experiment import Experiment
from sfcmt.file_format import FORMAT, NOW
from sfcmt.grounding.choice import choose
from sfcmt.grounding.evidence import PairEvidence
from sfcmt.grounding.gate import Gate, gate
from sfcmt.models.given import GivenSource
from sfcmt.models.given_start import GivenStart
from sfcmt.outputs import Outputs
from sfcmt.recipe import Recipe
from sfcmt.recipes import PAIR_EVIDENCE, TRANSFER, pair_evidence_recipe
from sfcmt.stages.method import METHODS
from sfcmt.storage import absolute_store
from sfcmt.store import Store
from sfcmt.task import open_task
from sfcmt.tuning.kinds import StudyKind
from sfcmt.tuning.search.audits import were_labelled
from sfcmt.tuning.search.few_labels_pick import pick_by_few_labels
from sfcmt.tuning.search.optuna_study import OptunaStudy, SearchError
from sfcmt.tuning.search.record import StudyRecord, anchor_recipes, differences, make_record, read_record
from sfcmt.tuning.search.space import most_epochs
from sfcmt.tuning.search.spec import CheckedSearch, Resources
from sfcmt.tuning.search.study_folder import (
    DISTILLED,
    SCORES,
    SELECTION,
    SPEC,
    StudyFolder,
    find_folder,
    kind_of,
    study_names,
    write_json,
    write_spec,
)
from sfcmt.tuning.search.study_storage import storage_errors
from sfcmt.validators import POOL_VALIDATORS


class Study:
    """One search with its trials. Making it opens its folder and its Optuna study."""

    def __init__(self, record: StudyRecord, store: Store) -> None:
        self.record, self.store = record, store
        self.name, self.identity, self.spec, self.space = record.name, record.identity, record.spec, record.space
        self.experiment, self.dataset = record.experiment, record.dataset
        self._folder = StudyFolder(self.store, f"{self.name}-{self.identity}")
        self.folder = self._folder.path
        self.store.user = self.folder.name
        self.optuna = OptunaStudy(
            self.folder,
            self.folder.name,
            self.space,
            self.spec.search,
            self.spec.scheduler,
            len(self.spec.objective.names),
            self.spec.storage,
            most_epochs(self.experiment, self.space),
        )

    @staticmethod
    def of(name: str, checked: CheckedSearch) -> Study:
        """The study of a spec, which is there already or made now. Raises `ConfigError`."""
        require_persistent_store(checked.experiment.runtime.store)
        experiment = placed(checked.experiment, checked.spec.resources)
        store = Store(experiment.runtime.store)
        record = make_record(name, checked, experiment, open_task(experiment, store.root))
        own = f"{name}-{record.identity}"
        twins = [known for known in study_names(store) if known.endswith(f"-{record.identity}") and known != own]
        if twins:
            raise ConfigError([Problem("SPEC", name, f"{twins[0]}, under which the same study exists already")])
        study = Study(record, store)
        write_spec(study.folder / SPEC, record.as_json())
        return study

    @staticmethod
    def find(place: str, store: str | Path) -> Study:
        """The study in a folder, or the only one of that name in the store. Raises `ConfigError`."""
        if kind_of(Path(place)) is StudyKind.SEARCH:
            record = read_record(Path(place))
            return Study(record, Store(record.experiment.runtime.store))
        found = Store(store)
        folder = find_folder(place, found, StudyKind.SEARCH)
        return Study(read_record(folder, absolute_store(found.place)), found)

    @cached_property
    def others(self) -> dict[str, list[str]]:
        """Searches of the same name in the store that are made of other things, and what differs, by their folders."""
        named = [known for known in study_names(self.store) if known.rpartition("-")[0] == self.name]
        places = [self.store.root / "studies" / known / SPEC for known in named if known != self.folder.name]
        kept = {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in places if path.is_file()}
        return {
            folder: differences(self.record.made_of, saved["made_of"])
            for folder, saved in kept.items()
            if "made_of" in saved
        }

    @property
    def has_dataset(self) -> bool:
        """Whether the data set is on this machine; the embedded one is everywhere."""
        return self.experiment.data.folder == SYNTHETIC or (self.dataset.folder / MANIFEST).is_file()

    def dataset_now(self) -> Dataset:
        """The data set as it is now, with what is sealed. Raises `DataError` if it is gone, or has changed since."""
        now = open_elsewhere(self.experiment.data, self.dataset.folder, self.store.root).of_task(self.dataset.classes)
        if now.whole_digest != self.dataset.whole_digest:
            raise DataError(f"{now.folder}: has changed since study {self.name} was made on it")
        return now

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials of the Optuna study. Raises `StudyStorageError` where its database has gone."""
        with storage_errors(self.spec.storage):
            trials: list[FrozenTrial] = self.optuna.study.get_trials(deepcopy=False)
            return trials

    @cached_property
    def anchors(self) -> list[Recipe]:
        """The methods that are always in the pool, to be trained."""
        return anchor_recipes(self.spec, self.experiment, self.dataset)

    @property
    def prerequisites(self) -> list[Recipe]:
        """What comes before the first trial: the anchors, and what the pairs tell, by which the winner is chosen."""
        evidence = pair_evidence_recipe(self.experiment, self.dataset, self.experiment.seed)
        return [*self.anchors, *([evidence] if evidence and self.record.pair_evidence else [])]

    def pair_evidence(self) -> PairEvidence | None:
        """What the pairs tell of target images; None without pairs, and in studies of older releases."""
        if (identity := self.record.pair_evidence) is None:
            return None
        if (artifact := self.store.open(PAIR_EVIDENCE, identity)) is None:
            raise SearchError(f"study {self.name}: {PAIR_EVIDENCE}-{identity} is missing in {self.store.place}")
        return PairEvidence.load(artifact.path)

    def pool(self) -> Iterator[tuple[str, Outputs]]:
        """Saved outputs of the anchors, by method, and of all completed trials, by number."""
        yield from self.anchor_pool()
        for trial in self.trials:
            if trial.state == TrialState.COMPLETE:
                yield str(trial.number), Outputs.load(self.artifact(trial))

    def anchor_pool(self) -> Iterator[tuple[str, Outputs]]:
        """Saved outputs of the anchors, by method."""
        for name, identity in self.record.anchors.items():
            artifact = self.store.open(TRANSFER, identity)
            if artifact is None:
                raise SearchError(f"anchor {name} has not been trained; run the search again")
            yield name, Outputs.load(artifact.path)

    def artifact(self, trial: FrozenTrial) -> Path:
        """Folder of a completed trial's transfer stage."""
        return self.transfer(trial.user_attrs["transfer"])

    def transfer(self, identity: str) -> Path:
        """Folder of a transfer stage that belongs to the study."""
        if (artifact := self.store.open(TRANSFER, identity)) is None:
            raise SearchError(f"study {self.name}: {TRANSFER}-{identity} is missing in {self.store.place}")
        return artifact.path

    def pick(self) -> dict[str, Any]:
        """Choose the winner among the completed trials and write it down. Raises `SearchError` on a partial study."""
        selection = self.choose()
        self.write(SELECTION, selection)
        return selection

    def choose(self) -> dict[str, Any]:
        """What `pick` writes."""
        if not self.optuna.is_finished:
            raise SearchError(f"study {self.name}: not all trials have ended; run the same command again")
        pool = dict(self.pool())
        completed = {trial.number: trial for trial in self.trials if str(trial.number) in pool}
        if not completed:
            raise SearchError(
                f"study {self.name}: no trial completed, so there is no winner; see sfcmt study {self.name}"
            )
        validator, candidates = POOL_VALIDATORS[self.spec.pick.validator], [str(number) for number in sorted(completed)]
        evidence = self.pair_evidence()
        choice = choose(pool, candidates, gate(pool, evidence) if evidence else None, validator)
        if few_labels := self.record.few_labels:
            choice = pick_by_few_labels(few_labels, pool, candidates, choice)
        winner = int(choice.winner)
        ended = len(self.trials)
        return {
            FORMAT: NOW,
            "study": self.identity,
            "winner": winner,
            "values": completed[winner].user_attrs["values"],
            "transfer": completed[winner].user_attrs["transfer"],
            "pick": self.spec.pick_name,
            "scores": choice.scores,
            "gate": choice.gate.as_json() if choice.gate else None,
            "trials": ended,
            "earlier": self._earlier(ended),
        }

    def _earlier(self, trials: int) -> list[dict[str, Any]]:
        """What was picked before the study was extended, and whether labels were seen by then."""
        if not (self.folder / SELECTION).is_file():
            return []
        last = self.selection()
        if last["trials"] == trials:
            return list(last["earlier"])
        kept = {name: last[name] for name in ("winner", "values", "transfer", "trials")}
        offered = self.made | set(self.record.anchors.values())
        audited = {"audited": True} if were_labelled(self.store, offered) else {}
        return [*last["earlier"], kept | {"scored": self.scores() is not None} | audited]

    @property
    def made(self) -> set[str]:
        """Identities of the models of its trials, and of what was distilled from them."""
        trials = {trial.user_attrs["transfer"] for trial in self.trials if trial.state == TrialState.COMPLETE}
        return trials | ({found["transfer"]} if (found := self.distilled()) else set())

    def selection(self) -> dict[str, Any]:
        """What `pick` wrote. Raises `SearchError` if the search has not ended."""
        path = self.folder / SELECTION
        if not path.is_file():
            raise SearchError(f"study {self.name} has no winner yet; finish it with: sfcmt tune")
        selection: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return selection

    def scores(self) -> dict[str, Any] | None:
        """What `sfcmt score` wrote of the selection as it is now, if it has been run."""
        path = self.folder / SCORES
        scores = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
        return scores if scores and scores["trials"] == self.selection()["trials"] else None

    def distilled(self) -> dict[str, Any] | None:
        """What `sfcmt distill` wrote, if it has been run."""
        path = self.folder / DISTILLED
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None

    def write(self, name: str, document: object) -> None:
        """Write a JSON file into the study's folder, and publish it."""
        write_json(self.folder / name, document)
        self._folder.publish(name)

    def driving(self) -> AbstractContextManager[None]:
        """Context of the process that runs the trials: see `StudyFolder.driving`."""
        return self._folder.driving()


def placed(experiment: Experiment[Any], resources: Resources) -> Experiment[Any]:
    """With the resources of a trial, and absolute places: trials, and whoever opens the study later, are elsewhere."""
    runtime = resources.applied_to(experiment.runtime)
    runtime = runtime.model_copy(update={"store": absolute_store(runtime.store)})
    data, source = absolute_data(experiment.data), experiment.source
    if isinstance(source, GivenSourceConfig):
        given = GivenSource(source)
        given.require_everywhere()
        source = given.pinned
    transfer = experiment.transfer
    if reference := METHODS[experiment.method].given_start(transfer):
        transfer = transfer.model_copy(update={"start": GivenStart(reference).pinned})
    changes = {"runtime": runtime, "data": data, "source": source, "transfer": transfer}
    return experiment.model_copy(update=changes)


def gate_of(selection: Mapping[str, Any]) -> Gate | None:
    """What the pairs said of the pool; None without pairs, and in selections of older releases."""
    found = selection.get("gate")
    return Gate.from_json(found) if found else None


def _seen(earlier: Mapping[str, Any]) -> str:
    """What labels had been seen when a study was extended."""
    if earlier["scored"]:
        return " after its labels were opened"
    return " after some labels were seen in an audit" if earlier.get("audited") else ""


def extension_text(selection: Mapping[str, Any]) -> str:
    """That a search was extended, and when; empty for one that was not."""
    steps = [f"from {one['trials']} trials{_seen(one)}" for one in selection["earlier"]]
    return f"extended {', then '.join(steps)} to {selection['trials']}" if steps else ""
