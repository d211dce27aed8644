"""Studies to audit, whose models are written by hand, and what an honest labeller would say."""

from __future__ import annotations

import json
from pathlib import Path

from sfcmt.artifact import RECORD
from sfcmt.data.dataset import Dataset
from sfcmt.data.schema import Split
from sfcmt.evaluation.labels import open_labels
from sfcmt.models.target_model import source_spec
from sfcmt.recipes import TRANSFER
from sfcmt.reports.audit.places import find_audited
from sfcmt.reports.audit.session import Session
from sfcmt.testing.tiny import SIZE
from sfcmt.tuning.search.study import Study
from tests.tuning.search.test_study import fill, study_of

RIGHTS = [15, 60, 30, 45]
"""Of 60 images, by trial; trial 2 is picked: it is nearest to the ensemble of all."""


def picked(data: Path, store: Path, labels_N: list[int] | None = None) -> Study:
    """A finished search. With labels the data set needs none."""
    study = study_of(data, store)
    fill(study, RIGHTS, anchor=30, labels_N=labels_N)
    assert study.pick()["winner"] == 2
    for trial in study.trials:
        complete(study, study.artifact(trial))
    return study


def audit(study: Study, *against: str, labels: int | None = None) -> Session:
    """The audit of a study's winner, which begins or goes on."""
    return Session.open(find_audited(str(study.folder), against, ""), labels)


def truth(data: Path) -> dict[str, str]:
    """The class of each target image by its id."""
    dataset = Dataset(data)
    labels_N = open_labels(dataset).labels_N.tolist()
    return {id_: dataset.classes[label] for id_, label in zip(target_ids(data), labels_N, strict=True)}


def target_ids(data: Path) -> list[str]:
    """Ids of the target images."""
    ids: list[str] = Dataset(data).columns(Split.TARGET, "id")["id"].to_pylist()
    return ids


def complete(study: Study, folder: Path) -> None:
    """What a real stage has besides its outputs."""
    record = json.loads((folder / RECORD).read_text())
    recipe = {"name": "robust_tgkt", "data": {"digest": study.dataset.digest(Split.PAIRS, Split.TARGET)}}
    (folder / RECORD).write_text(json.dumps(record | {"kind": TRANSFER, "recipe": recipe}))
    (folder / "model.json").write_text(source_spec(study.dataset, "small", SIZE).model_dump_json())
