"""Whether a challenger beats a champion: paired differences over the target images that both have answered.

Without labels: association with the TI pairs (`sfcmt.grounding.association`), over whole frames. Agreement and
certainty are no evidence: a model that is sure and wrong agrees with whatever pool it was picked from.

By sealed labels: class-balanced accuracy, by the test of the reports whose units are frames
(`sfcmt.reports.statistics.frame_test`). An interval is about other images of this kind; it says nothing of other seeds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfcmt.grounding.gate import ASSOCIATION
from sfcmt.reports.statistics.interval import Interval

if TYPE_CHECKING:
    from sfcmt.evaluation.labels import TargetLabels
    from sfcmt.grounding.evidence import PairEvidence
    from sfcmt.reports.registry.predictions import Predictions

GROUNDING, ORACLE = ASSOCIATION, "oracle_balanced_accuracy"
AUDITED = "audited_difference"
"""Begins the score of an audit, whose seal follows: what is known is the difference alone, as if the champion had 0."""


@dataclass(frozen=True)
class Evidence:
    """One score of both models on the same `n` images, and an interval of `challenger - champion`."""

    score: str
    challenger: float
    champion: float
    n: int
    interval: Interval | None
    """None where `missing` says why."""
    missing: str = "a class has a single image"
    """Events of older releases have one reason only."""

    @property
    def convinces(self) -> bool:
        """Whether the whole interval is above 0."""
        return self.interval is not None and self.interval.low > 0

    def __str__(self) -> str:
        if self.interval is None:
            return f"{self._figures} (no interval: {self.missing}; n {self.n})"
        low, high = (self._signed(limit) for limit in (self.interval.low, self.interval.high))
        return f"{self._figures}, difference in [{low}, {high}] at {self.interval.level:.0%}, n {self.n}"

    @property
    def _figures(self) -> str:
        if self.score == GROUNDING:
            return f"{self.score} {self.challenger:.3f} against {self.champion:.3f}"
        if self.score.startswith(AUDITED):
            return f"{self.score} {self._signed(self.challenger)} points"
        return f"{self.score} {100 * self.challenger:.1f} against {100 * self.champion:.1f} %"

    def _signed(self, value: float) -> str:
        return f"{value:+.3f}" if self.score == GROUNDING else f"{100 * value:+.1f}"


def grounding(challenger: Predictions, champion: Predictions, pairs: PairEvidence) -> Evidence:
    """Compare without labels, by what the pairs tell of target images."""
    from sfcmt.grounding.association import association, difference

    ours, theirs = (association(pairs, one.logits.argmax(dim=1).numpy()) for one in (challenger, champion))
    between = difference(pairs, ours, theirs)
    interval = Interval(*between.interval(), 0.95, "two-way clusters: frames of pairs and of targets")
    return Evidence(GROUNDING, ours.value, theirs.value, len(pairs.rows_n), interval)


def oracle(challenger: Predictions, champion: Predictions, target: TargetLabels) -> Evidence:
    """Compare by sealed labels."""
    from sfcmt.evaluation.scores import right_of, score
    from sfcmt.reports.statistics.frame_test import compare_on_frames

    labels_N, models = target.labels_N, (challenger.logits, champion.logits)
    right = [right_of(logits_NK, labels_N).numpy() for logits_NK in models]
    test = compare_on_frames(right[0], right[1], labels_N.numpy(), target.frames)
    ours, theirs = (score(logits_NK, labels_N).balanced_accuracy for logits_NK in models)
    return Evidence(ORACLE, ours, theirs, test.n, test.interval, test.reason)
