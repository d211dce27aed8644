"""The winner of a search against its rivals: the anchors and the distilled pool, on the same images, by the labels."""

from __future__ import annotations

from dataclasses import dataclass

from sfcmt.evaluation.scores import right_of
from sfcmt.reports.sources.search import SearchResults
from sfcmt.reports.statistics.correction import Corrected, correct
from sfcmt.reports.statistics.frame_test import FrameTest, compare_on_frames


@dataclass(frozen=True)
class Rival:
    """Winner minus a rival in balanced accuracy, and its p-value among those of all rivals."""

    name: str
    test: FrameTest
    corrected: Corrected | None
    """None if the test has no p-value."""


def rivals_of(results: SearchResults) -> list[Rival]:
    """A row for each rival; none if the study has not been scored, or outputs are missing."""
    target, winner_NK = results.target, results.logits(results.winner)
    found = {run.arm: results.logits(run) for run in results.rivals}
    if target is None or winner_NK is None:
        return []
    right_N, labels_N = right_of(winner_NK, target.labels_N).numpy(), target.labels_N.numpy()
    tests = {
        name: compare_on_frames(right_N, right_of(logits_NK, target.labels_N).numpy(), labels_N, target.frames)
        for name, logits_NK in found.items()
        if logits_NK is not None
    }
    corrected = correct({name: test.p_value for name, test in tests.items() if test.p_value is not None}, "holm")
    return [Rival(name, test, corrected.get(name)) for name, test in tests.items()]
