"""The winner against the anchors, on the same images."""

from __future__ import annotations

import pytest
from scipy import stats

from sfcmt.reports.findings.rivals import rivals_of
from sfcmt.reports.sources.search import SearchResults


def test_by_hand(searched: SearchResults) -> None:
    """Models are right on the first images of each class: the winner on 39 of 60, the anchors on 21 and 36."""
    assert searched.winner.scores["oracle/accuracy"] == pytest.approx(39 / 60)
    first, second = rivals_of(searched)
    assert (first.name, second.name) == ("source_only", "shot")
    assert first.scores.challenger - first.scores.champion == pytest.approx(18 / 60)
    assert (first.test.only_first, first.test.only_second) == (0, 18)
    p_values = [2 * stats.binom.cdf(0, n, 0.5) for n in (18, 3)]
    assert first.corrected.adjusted_p == pytest.approx(2 * p_values[0])
    assert second.corrected.adjusted_p == pytest.approx(p_values[1])
    assert first.scores.interval is not None
    assert 18 / 60 in first.scores.interval


def test_nothing_while_labels_are_closed(closed: SearchResults) -> None:
    assert rivals_of(closed) == []
