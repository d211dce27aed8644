"""The winner against the anchors, on the same images."""

from __future__ import annotations

import pytest

from sfcmt.reports.findings.rivals import rivals_of
from sfcmt.reports.sources.search import SearchResults
from sfcmt.reports.statistics.frame_test import TEST
from sfcmt.reports.tables.rivals import rivals_table


def test_by_hand(searched: SearchResults) -> None:
    """Models are right on the first images of each class: the winner on 39 of 60, the anchors on 21 and 36."""
    assert searched.winner.scores["oracle/accuracy"] == pytest.approx(39 / 60)
    first, second = rivals_of(searched)
    assert (first.name, second.name) == ("source_only", "shot")
    assert first.test.difference == pytest.approx(18 / 60)
    assert (first.test.n, first.test.frames, first.test.differing, second.test.differing) == (60, 30, 16, 3)
    assert first.corrected is not None
    assert second.corrected is not None
    assert first.test.min_p_value == 1 / 10000  # 2^-15, were all swaps listed
    assert first.test.p_value in (1 / 10000, 2 / 10000)
    assert first.corrected.adjusted_p == pytest.approx(2 * first.test.p_value)
    assert second.corrected.adjusted_p == 2 / 2**3
    assert first.test.interval is not None
    assert 0 < first.test.interval.low < 18 / 60 < first.test.interval.high
    assert second.test.interval is None


def test_what_few_frames_cannot_say_is_missing_in_the_table(searched: SearchResults) -> None:
    table = rivals_table(searched, rivals_of(searched), "winner")
    rows = {row[0].text: row for row in table.rows}
    assert rows["shot"][6].text == "+5.0 [missing]"
    assert rows["shot"][6].tip.startswith("they differ on 3 frames, which give no p below 0.25\nn: 60 images in 30")
    assert [cell.text for cell in rows["shot"][7:]] == ["0.250", "0.250"]
    assert [cell.text for cell in rows["source_only"][7:]] == ["<0.001", "<0.001"]
    assert rows["source_only"][6].tone == "clear"
    assert rows["source_only"][6].evidence is not None
    assert rows["source_only"][6].evidence.interval == "95 %, studentised swaps of whole frames"
    assert rows["source_only"][6].evidence.test == TEST


def test_nothing_while_labels_are_closed(closed: SearchResults) -> None:
    assert rivals_of(closed) == []
