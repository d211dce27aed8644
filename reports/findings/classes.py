"""How right models are, class by class: only after the labels have been opened."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from sfcmt.evaluation.scores import score
from sfcmt.reports.sources.results import Results
from sfcmt.reports.sources.runs import Run
from sfcmt.reports.statistics.samples import Sample


@dataclass(frozen=True)
class ClassFinding:
    """One arm, over its seeds."""

    arm: str
    confusion_KK: Tensor
    """Counts with true classes in rows, summed over seeds."""
    accuracies: tuple[Sample, ...]
    """Share of each class's images, by seed; a class without images has none."""
    images: tuple[int, ...]
    """Of each class."""


def class_findings(results: Results, arms: dict[str, list[Run]]) -> list[ClassFinding]:
    """A row for each arm whose outputs are at hand; none if the labels are closed."""
    if results.labels is None:
        return []
    return [found for arm, runs in arms.items() if (found := _finding(arm, results, runs, results.labels))]


def _finding(arm: str, results: Results, runs: list[Run], labels_N: Tensor) -> ClassFinding | None:
    confusions = {
        run.seed: score(logits_NK, labels_N).confusion_KK
        for run in runs
        if (logits_NK := results.logits(run)) is not None
    }
    if not confusions:
        return None
    total_KK = torch.stack(list(confusions.values())).sum(dim=0)
    images = (total_KK.sum(dim=1) // len(confusions)).tolist()
    shares = tuple(
        {seed: (counts[place, place] / count).item() for seed, counts in confusions.items()} if count else {}
        for place, count in enumerate(images)
    )
    return ClassFinding(arm, total_KK, shares, tuple(images))
