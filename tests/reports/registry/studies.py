"""Finished studies whose trials are really trained, in a second or two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sfcmt.callbacks import Callback
from sfcmt.tuning.search.ray_bridge import NOTES, NUMBER, OBJECTIVES, VALUES
from sfcmt.tuning.search.study import Study
from sfcmt.tuning.search.trial import TrialContext, train_and_judge
from sfcmt.workspace import train_here
from tests.tuning.search.test_study import study_of


def finished(data: Path, store: Path, name: str, space: dict[str, Any], sections: dict[str, Any], **spec: Any) -> Study:
    """A study that has tried every point of a grid, and picked."""
    points = len(next(iter(space.values()))["choice"])
    search = {"sampler": "grid", "trials": points}
    study = study_of(data, store, name, sections, space=space, search=search, **spec)
    for recipe in study.prerequisites:
        study.store.get_or_train(recipe, study.experiment.runtime, Callback())
    anchors = tuple(anchor.identity for anchor in study.anchors)
    context = TrialContext(
        study.folder.name,
        study.experiment.model_dump(mode="json"),
        study.dataset.folder,
        study.spec.objective,
        anchors,
        reports=False,
        few_labels=study.record.few_labels,
    )
    while (found := study.optuna.next_trial()) is not None:
        number, values = found
        result = train_and_judge({NUMBER: number, VALUES: values}, context, lambda report: None, train_here)
        for key, value in json.loads(result[NOTES]).items():
            study.optuna.note(number, key, value)
        study.optuna.complete(number, result[OBJECTIVES])
    study.pick()
    return study
