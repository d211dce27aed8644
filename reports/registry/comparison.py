"""Gathering what there is to say between the study's winner and the champion."""

from __future__ import annotations

import json

from mlflow.entities.model_registry import ModelVersion

from reports.registry.candidate import CLASSES, TARGET, Candidate
from reports.registry.evidence import Evidence, agreement, oracle
from reports.registry.versions import answers_of_version
from sfcmt.evaluation.labels import has_labels, open_labels


def gather(candidate: Candidate, champion: ModelVersion) -> tuple[Evidence, ...]:
    """By agreement, and by sealed labels if there are any: the winner was chosen without them, and is judged now."""
    ours, theirs, dataset = candidate.answers, answers_of_version(champion), candidate.study.dataset
    judged = (oracle(ours, theirs, open_labels(dataset).labels_N),) if has_labels(dataset) else ()
    return (agreement(ours, theirs), *judged)


def obstacles(challenger: ModelVersion, champion: ModelVersion) -> list[str]:
    """Why two versions cannot be compared: their answers are of other images, or in other classes."""
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
