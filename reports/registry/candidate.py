"""The model that a finished study has selected, and all that is known of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial

from reports.registry.answers import Answers, answers_of
from sfcmt.data.schema import Split
from sfcmt.identity import digest
from sfcmt.models.target_model import ModelSpec, TargetModel
from sfcmt.outputs import Outputs
from sfcmt.stages.transfer import OUTPUTS, TransferStage
from sfcmt.store import Artifact
from tuning.search.mirror import final_values
from tuning.search.space import apply_values
from tuning.search.study import Study
from tuning.search.study_folder import SCORES, SPEC

STUDY, TARGET, CLASSES, IDENTITY = "sfcmt.study", "sfcmt.data.target", "sfcmt.classes", "sfcmt.identity"


@dataclass(frozen=True)
class Candidate:
    """The winner of a study. Making one raises `SearchError` if the study has none yet."""

    study: Study
    selection: dict[str, Any]

    @staticmethod
    def of(study: Study) -> Candidate:
        """The study's winner."""
        return Candidate(study, study.selection())

    @cached_property
    def trial(self) -> FrozenTrial:
        """The winner's trial."""
        return self.study.trials[self.selection["winner"]]

    @cached_property
    def folder(self) -> Path:
        """The artifact of the winner's transfer."""
        return self.study.artifact(self.trial)

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """What the winner's transfer was trained from, as it was written down then."""
        recipe: dict[str, Any] = Artifact(self.folder, reused=True).record["recipe"]
        return recipe

    @property
    def stages(self) -> dict[str, str]:
        """Identities of the stages behind the model, by what they are to it."""
        experiment = apply_values(self.study.experiment, self.selection["values"])
        stage = TransferStage(experiment, self.study.dataset, experiment.seed)
        return {one.name: one.identity for one in stage.upstream} | {stage.kind: self.selection["transfer"]}

    @cached_property
    def spec(self) -> ModelSpec:
        """What the model is."""
        return TargetModel.load(self.folder).spec

    @cached_property
    def answers(self) -> Answers:
        """What it says of the target images."""
        return answers_of(Outputs.load(self.folder / OUTPUTS), (outputs for _, outputs in self.study.pool()))

    @cached_property
    def validators(self) -> dict[str, float]:
        """Label-free scores of the model, the one that picked it among them."""
        pick = {self.selection["pick"]: self.selection["scores"][str(self.trial.number)]}
        return final_values(self.trial) | pick

    @cached_property
    def oracles(self) -> dict[str, float]:
        """What sealed labels say, if the study has been scored."""
        path = self.study.folder / SCORES
        scores = json.loads(path.read_text()) if path.is_file() else {}
        names = ("oracle_accuracy", "oracle_balanced_accuracy")
        return {name: scores[name][str(self.trial.number)] for name in names if name in scores}

    @property
    def identity(self) -> str:
        """Digest of the study and the model: promoted twice, it is one version."""
        return digest([self.study.identity, self.selection["transfer"]])

    @cached_property
    def lineage(self) -> dict[str, str]:
        """Where the model comes from, as tags."""
        dataset = self.study.dataset
        tags = {
            IDENTITY: self.identity,
            STUDY: self.study.folder.name,
            "sfcmt.trial": str(self.trial.number),
            "sfcmt.method": self.recipe["name"],
            "sfcmt.values": json.dumps(self.selection["values"]),
            "sfcmt.selection": f"{self.selection['pick']} over {len(self.selection['scores'])} models",
            "sfcmt.data": dataset.digest(*Split),
            TARGET: dataset.digest(Split.TARGET),
            CLASSES: json.dumps(dataset.classes),
        }
        tags |= {f"sfcmt.stage.{kind}": identity for kind, identity in self.stages.items()}
        tags |= {f"sfcmt.validator.{name}": f"{value:.6g}" for name, value in self.validators.items()}
        saved = json.loads((self.study.folder / SPEC).read_text())
        return tags | {"sfcmt.commit": saved["commit"]}
