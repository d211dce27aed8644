"""Results by class."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sfcmt.reports.findings.classes import class_findings
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.search import SearchResults


def test_by_hand(searched: SearchResults) -> None:
    """The winner is right on 13 of each class's 20 images, and takes the rest for the next class."""
    (found,) = class_findings(searched, {"winner": [searched.winner]})
    assert found.confusion_KK.tolist() == [[13, 7, 0], [0, 13, 7], [7, 0, 13]]
    assert found.images == (20, 20, 20)
    assert [sample[0] for sample in found.accuracies] == pytest.approx([0.65] * 3)


def test_over_seeds(searched: SearchResults) -> None:
    other = replace(searched.runs_of("trial 0")[0], seed=1)
    (found,) = class_findings(searched, {"both": [searched.winner, other]})
    assert found.accuracies[0] == pytest.approx({0: 13 / 20, 1: 4 / 20})
    assert found.images == (20, 20, 20)
    assert found.confusion_KK.sum().item() == 120


def test_nothing_without_outputs_or_labels(parts: AblationResults, closed: SearchResults) -> None:
    assert parts.labels is not None
    assert class_findings(parts, {"baseline": parts.runs_of("baseline")}) == []
    assert class_findings(closed, {"winner": [closed.winner]}) == []
