"""The winner of a search against its rivals: the anchors and the distilled pool, on the same images, by the labels."""

from __future__ import annotations

from dataclasses import dataclass

from sfcmt.reports.registry.evidence import Evidence as ImageEvidence
from sfcmt.reports.registry.evidence import oracle
from sfcmt.reports.registry.predictions import Predictions
from sfcmt.reports.sources.search import SearchResults
from sfcmt.reports.statistics.correction import Corrected, correct
from sfcmt.reports.statistics.mcnemar import McNemar, compare_predictions


@dataclass(frozen=True)
class Rival:
    """Winner minus a rival: balanced accuracy over images, and McNemar's test, corrected over the rivals."""

    name: str
    scores: ImageEvidence
    test: McNemar
    corrected: Corrected


def rivals_of(results: SearchResults) -> list[Rival]:
    """A row for each rival; none if the study has not been scored, or outputs are missing."""
    labels_N, winner_NK = results.labels, results.logits(results.winner)
    found = {run.arm: results.logits(run) for run in results.rivals}
    logits = {name: logits_NK for name, logits_NK in found.items() if logits_NK is not None}
    if labels_N is None or winner_NK is None:
        return []
    right_N = (winner_NK.argmax(dim=1) == labels_N).numpy()
    tests = {
        name: compare_predictions((logits_NK.argmax(dim=1) == labels_N).numpy(), right_N)
        for name, logits_NK in logits.items()
    }
    corrected = correct({name: test.p_value for name, test in tests.items()}, "holm")
    ours = Predictions(winner_NK, winner_NK)
    return [
        Rival(name, oracle(ours, Predictions(logits_NK, logits_NK), labels_N), tests[name], corrected[name])
        for name, logits_NK in logits.items()
    ]
