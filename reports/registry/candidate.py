"""A model that a finished study has to offer, and all that is known of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfcmt.artifact import Artifact
from sfcmt.data.schema import Split
from sfcmt.few_labels import FEW_LABELS
from sfcmt.identity import digest
from sfcmt.models.target_model import ModelSpec, TargetModel
from sfcmt.outputs import Outputs
from sfcmt.recipes import TRANSFER
from sfcmt.reports.registry.predictions import Predictions
from sfcmt.tuning.search.distilling import DISTILLED
from sfcmt.tuning.search.mlflow_sync import final_values
from sfcmt.tuning.search.optuna_study import SearchError
from sfcmt.tuning.search.study import Study, extension_text
from sfcmt.tuning.search.study_folder import read_spec

STUDY, TARGET, CLASSES, IDENTITY = "sfcmt.study", "sfcmt.data.target", "sfcmt.classes", "sfcmt.identity"
FEW = f"sfcmt.{FEW_LABELS}"
"""How many labels of the user's chose a model; no such tag without."""


@dataclass(frozen=True)
class Candidate:
    """A model of a finished study: its winner, or what was distilled from all of its trials."""

    study: Study
    name: str
    """What the study's scores call the model: the winner's number, or `distilled`."""
    transfer: str
    """Identity of the stage that made it."""
    origin: str
    """How it came about, in words."""
    commit: str
    """Of the code that made it."""
    values: Mapping[str, Any]
    """Fields of the experiment that the search has set."""
    validators: Mapping[str, float]
    """Scores of the model that no sealed label is in, the one that picked it among them."""

    @staticmethod
    def winner(study: Study) -> Candidate:
        """The study's winner. Raises `SearchError` if there is none yet."""
        selection = study.selection()
        trial = study.trials[selection["winner"]]
        pick, scores, extended = selection["pick"], selection["scores"], extension_text(selection)
        return Candidate(
            study,
            str(trial.number),
            selection["transfer"],
            f"trial {trial.number}, by {pick} over {len(scores)} models{f' ({extended})' if extended else ''}",
            read_spec(study.folder)["commit"],
            selection["values"],
            final_values(trial) | {pick: scores[str(trial.number)]},
        )

    @staticmethod
    def distilled(study: Study) -> Candidate:
        """What `sfcmt distill` made of the study. Raises `SearchError` if it has not been run."""
        if (made := study.distilled()) is None:
            raise SearchError(f"study {study.name}: nothing is distilled from it; run: sfcmt distill {study.folder}")
        origin = f"distilled from trials {', '.join(map(str, made['trials']))}"
        return Candidate(study, DISTILLED, made["transfer"], origin, made["commit"], {}, made["validators"])

    @cached_property
    def folder(self) -> Path:
        """The artifact of the transfer."""
        return self.study.transfer(self.transfer)

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """What the transfer was trained from, as it was written down then."""
        recipe: dict[str, Any] = Artifact(self.folder, reused=True).record["recipe"]
        return recipe

    @property
    def made_by(self) -> dict[str, str]:
        """Versions, commit, device, threads and workers of the process that trained the transfer."""
        made_by = Artifact(self.folder, reused=True).made_by
        return {name: str(value) for name, value in made_by.items()}

    @property
    def stages(self) -> dict[str, str]:
        """Identities of the stages behind the model, by what they are to it."""
        return dict(self.recipe["upstream"]) | {TRANSFER: self.transfer}

    @cached_property
    def spec(self) -> ModelSpec:
        """What the model is."""
        return TargetModel.load(self.folder).spec

    @cached_property
    def predictions(self) -> Predictions:
        """What it says of the target images."""
        return Predictions(Outputs.load(self.folder).target_logits)

    @property
    def frames(self) -> NDArray[np.int64] | None:
        """The frame (N,) of each target image, if the data set is here and says it."""
        return self.study.dataset_now().frames(Split.TARGET) if self.study.has_dataset else None

    @cached_property
    def oracles(self) -> dict[str, float]:
        """What sealed labels say, if the study has been scored since the model was made."""
        scores = self.study.scores() or {}
        judged = {name: values for name, values in scores.items() if name.startswith("oracle_")}
        return {name: values[self.name] for name, values in judged.items() if self.name in values}

    @property
    def identity(self) -> str:
        """Digest of the study and the model: promoted twice, it is one version."""
        return digest([self.study.identity, self.transfer])

    @cached_property
    def lineage(self) -> dict[str, str]:
        """Where the model comes from, as tags."""
        dataset = self.study.dataset
        tags = {
            IDENTITY: self.identity,
            STUDY: self.study.folder.name,
            "sfcmt.method": self.recipe["name"],
            "sfcmt.origin": self.origin,
            "sfcmt.commit": self.commit,
            "sfcmt.values": json.dumps(self.values),
            "sfcmt.data": dataset.whole_digest,
            TARGET: dataset.digest(Split.TARGET),
            CLASSES: json.dumps(dataset.classes),
        }
        if few_labels := self.study.record.few_labels:
            tags[FEW] = str(len(few_labels.ids))
        tags |= {f"sfcmt.stage.{kind}": identity for kind, identity in self.stages.items()}
        return tags | {f"sfcmt.validator.{name}": f"{value:.6g}" for name, value in self.validators.items()}
