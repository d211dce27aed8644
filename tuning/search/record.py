"""The record of a search: what it is made of. A study is opened by it, and nothing in it is derived again.

So a finished study can be shown, reported and promoted where its data set or its backbone are missing, and after the
code has changed. Whether it can go on is another question: it is the one that the same spec names now.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sfcmt.data.dataset import Dataset
from sfcmt.data.manifest import Manifest
from sfcmt.errors import ConfigError
from sfcmt.experiment import Experiment, recorded_experiment
from sfcmt.few_labels import FEW_LABELS, FewLabels, read_few_labels
from sfcmt.file_format import FORMAT, NOW
from sfcmt.grounding import PARTS
from sfcmt.identity import digest, versions
from sfcmt.recipe import Recipe
from sfcmt.recipes import pair_evidence_recipe, transfer_recipe
from sfcmt.tuning.search.needing_pairs import pair_problems
from sfcmt.tuning.search.space import Distribution, Space, apply_values
from sfcmt.tuning.search.spec import CheckedSearch, SearchSpec
from sfcmt.tuning.search.study_folder import read_spec
from sfcmt.validators import POOL_VALIDATORS, VALIDATORS

_MOST = 5
"""Differences that are told."""


@dataclass(frozen=True)
class StudyRecord:
    """What `spec.json` holds of a search."""

    name: str
    identity: str
    spec: SearchSpec
    experiment: Experiment[Any]
    space: Space
    dataset: Dataset
    """As it was then, without what is sealed in it."""
    anchors: Mapping[str, str]
    """Identities of the methods that are always in the pool, by name."""
    pair_evidence: str | None
    """Identity of what the pairs tell of target images, made from the experiment before any value of a trial."""
    made_of: Mapping[str, Any]
    """All that the identity is a digest of, for people."""
    few_labels: FewLabels | None = None
    """Those of the objective; the table that they are from is not needed any more."""

    @property
    def chosen(self) -> str:
        """How the search chooses, in words."""
        return self.few_labels.text if self.few_labels else "without labels"

    def as_json(self) -> dict[str, Any]:
        """What `read_record` reads."""
        return {
            FORMAT: NOW,
            "name": self.name,
            "identity": self.identity,
            "spec": self.spec.model_dump(mode="json", exclude_none=True),
            "experiment": self.experiment.model_dump(mode="json"),
            "space": {name: one.model_dump(mode="json", exclude_none=True) for name, one in self.space.items()},
            "data": {
                "folder": str(self.dataset.folder.resolve()),
                "manifest": self.dataset.manifest.model_dump(mode="json") | {"sealed": {}},
                "classes": self.dataset.classes,
            },
            "anchors": dict(self.anchors),
            "pair_evidence": self.pair_evidence,
            "made_of": self.made_of,
        } | ({FEW_LABELS: self.few_labels.as_json()} if self.few_labels else {})


def make_record(name: str, checked: CheckedSearch, experiment: Experiment[Any], dataset: Dataset) -> StudyRecord:
    """The record of a search that is to run; `experiment` is the checked one where it will run.

    Raises `ConfigError` where it needs TI pairs, and the data set has none.
    """
    if problems := [*pair_problems(checked, dataset)]:
        raise ConfigError(problems)
    recipe = transfer_recipe(checked.experiment, dataset, checked.experiment.seed)
    anchors = anchor_recipes(checked.spec, checked.experiment, dataset)
    few_labels = _few_labels(checked, dataset)
    made_of = _rules(checked, few_labels) | {"recipe": recipe.tree, "anchors": {one.name: one.tree for one in anchors}}
    made_of["versions"] |= versions(_parts(checked, dataset))
    evidence = pair_evidence_recipe(checked.experiment, dataset, checked.experiment.seed)
    identities = {one.name: one.identity for one in anchors}
    digested = {"recipe": recipe.identity, "anchors": identities}
    if evidence:
        made_of["pair_evidence"], digested["pair_evidence"] = evidence.tree, evidence.identity
        made_of["versions"] |= versions(PARTS)
    identity = digest(made_of | digested)
    return StudyRecord(
        name,
        identity,
        checked.spec,
        experiment,
        checked.space,
        dataset,
        identities,
        evidence.identity if evidence else None,
        made_of,
        few_labels,
    )


def read_record(folder: Path, store: str | None = None) -> StudyRecord:
    """The record in a study's folder; `store` is where its store is now, if elsewhere. Raises `StoreError`."""
    saved = read_spec(folder)
    experiment = recorded_experiment(saved["experiment"], store)
    manifest = Manifest.model_validate(saved["data"]["manifest"])
    return StudyRecord(
        saved["name"],
        saved["identity"],
        SearchSpec.model_validate(saved["spec"]),
        experiment,
        {name: Distribution.model_validate(one) for name, one in saved["space"].items()},
        Dataset(Path(saved["data"]["folder"]), manifest, tuple(saved["data"].get("classes", manifest.classes))),
        saved["anchors"],
        saved.get("pair_evidence"),
        saved["made_of"],
        FewLabels.from_json(saved[FEW_LABELS]) if FEW_LABELS in saved else None,
    )


def anchor_recipes(spec: SearchSpec, experiment: Experiment[Any], dataset: Dataset) -> list[Recipe]:
    """The recipes of the methods that are always in the pool."""
    return [transfer_recipe(experiment.with_method(name), dataset, experiment.seed) for name in spec.anchors]


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """What two searches are made of that differs, the first few: `FIELD: OURS here, THEIRS there`."""
    found = [*_differences(ours, theirs)]
    return found[:_MOST] + ([f"and {len(found) - _MOST} more"] if len(found) > _MOST else [])


def _few_labels(checked: CheckedSearch, dataset: Dataset) -> FewLabels | None:
    path = checked.spec.objective.few_labels
    return read_few_labels(Path(path), dataset, checked.experiment.data.target_holdout) if path else None


def _rules(checked: CheckedSearch, few_labels: FewLabels | None) -> dict[str, Any]:
    """How values are suggested and judged. A budget is no rule: a study can be extended."""
    spec = checked.spec.model_dump(mode="json", include={"objective", "pick", "search", "scheduler"})
    del spec["search"]["trials"], spec["objective"][FEW_LABELS]
    space = [[name, one.model_dump(mode="json", exclude_none=True)] for name, one in checked.space.items()]
    used = [VALIDATORS.module(name) for name in checked.spec.objective.validators if name in VALIDATORS]
    used.append(POOL_VALIDATORS.module(checked.spec.pick.validator))
    if few_labels:
        spec["objective"][FEW_LABELS] = few_labels.document
        used.append(FewLabels.__module__)
    return spec | {"space": space, "versions": versions(used)}


def _parts(checked: CheckedSearch, dataset: Dataset) -> set[str]:
    """All parts that a trial may use: of the experiment with each end or choice of each field."""
    experiments = [
        apply_values(checked.experiment, {name: value})
        for name, distribution in checked.space.items()
        for value in distribution.examples
    ]
    recipes = [transfer_recipe(experiment, dataset, experiment.seed) for experiment in experiments]
    return set().union(*(recipe.all_parts for recipe in recipes))


def _differences(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for name in dict.fromkeys([*ours, *theirs]):
            if path and name == "versions":  # they are in those of the whole study
                continue
            yield from _differences(ours.get(name), theirs.get(name), f"{path}.{name}" if path else name)
    elif digest(ours) != digest(theirs):
        yield f"{path}: {_text(ours)} here, {_text(theirs)} there"


def _text(value: Any) -> str:
    return "the default" if value is None else json.dumps(value)
