"""Gathering what there is to say between the study's winner and the champion."""

from __future__ import annotations

import json
from collections.abc import Iterator

from mlflow.entities.model_registry import ModelVersion

from sfcmt.errors import DataError
from sfcmt.evaluation.labels import has_labels, open_labels
from sfcmt.reports.registry.candidate import CLASSES, TARGET, Candidate
from sfcmt.reports.registry.evidence import Evidence, agreement, oracle
from sfcmt.reports.registry.predictions import Predictions
from sfcmt.reports.registry.versions import predictions_of_version
from sfcmt.tuning.search.study import Study


def gather(candidate: Candidate, champion: ModelVersion) -> tuple[Evidence, ...]:
    """By agreement, and by sealed labels if they are at hand: the winner was chosen without them, and is judged now."""
    ours, theirs = candidate.predictions, predictions_of_version(champion)
    return (agreement(ours, theirs), *_judged(ours, theirs, candidate.study))


def _judged(ours: Predictions, theirs: Predictions, study: Study) -> Iterator[Evidence]:
    try:
        dataset = study.dataset_now()
    except DataError:  # a model can be promoted where its data set is not
        return
    if has_labels(dataset):
        yield oracle(ours, theirs, open_labels(dataset).labels_N)


def obstacles(challenger: ModelVersion, champion: ModelVersion) -> list[str]:
    """Why two versions cannot be compared: their predictions are of other images, or in other classes."""
    ours, theirs = challenger.tags, champion.tags
    if CLASSES not in theirs:
        return ["the champion was not registered by sfcmt"]
    found = []
    if ours[CLASSES] != theirs[CLASSES]:
        names = [", ".join(json.loads(tags[CLASSES])) for tags in (ours, theirs)]
        found.append(f"its classes are {names[0]}, the champion's {names[1]}")
    if ours[TARGET] != theirs[TARGET]:
        found.append(f"the digest of its target images is {ours[TARGET][:12]}, the champion's {theirs[TARGET][:12]}")
    return found
