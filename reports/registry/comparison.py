"""Gathering what there is to say between the study's winner and the champion."""

from __future__ import annotations

import json

from mlflow.entities.model_registry import ModelVersion

from sfcmt.evaluation.labels import has_labels, open_labels
from sfcmt.listing import listed
from sfcmt.reports.registry.candidate import CLASSES, TARGET, Candidate
from sfcmt.reports.registry.evidence import Evidence, grounding, oracle
from sfcmt.reports.registry.versions import predictions_of_version
from sfcmt.tuning.search.study import Study


def gather(candidate: Candidate, champion: ModelVersion) -> tuple[Evidence, ...]:
    """By the pairs, and by sealed labels where there are any, which decide then: the winner was chosen without them.

    Nothing, where there are neither: certainty is no evidence. Raises `DataError` if the data set has changed since the
    study was made.
    """
    ours, theirs = candidate.predictions, predictions_of_version(champion)
    pairs = candidate.study.pair_evidence()
    found = (grounding(ours, theirs, pairs),) if pairs else ()
    if unjudged(candidate.study) or not has_labels(dataset := candidate.study.dataset_now()):
        return found
    return *found, oracle(ours, theirs, open_labels(dataset))


def unjudged(study: Study) -> str:
    """Why labels cannot judge the study's model here, to be told with the move; empty if nothing keeps them from it."""
    return "" if study.has_dataset else f"not judged by labels: {study.dataset.folder} is not here"


def obstacles(challenger: ModelVersion, champion: ModelVersion) -> list[str]:
    """Why two versions cannot be compared: their predictions are of other images, or in other classes."""
    ours, theirs = challenger.tags, champion.tags
    if CLASSES not in theirs:
        return ["the champion was not registered by sfcmt"]
    found = []
    if ours[CLASSES] != theirs[CLASSES]:
        names = [listed(json.loads(tags[CLASSES])) for tags in (ours, theirs)]
        found.append(f"its classes are {names[0]}, the champion's {names[1]}")
    if ours[TARGET] != theirs[TARGET]:
        found.append(f"the digest of its target images is {ours[TARGET][:12]}, the champion's {theirs[TARGET][:12]}")
    return found
