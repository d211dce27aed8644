"""Seconds that were spent, and saved."""

from __future__ import annotations

from sfcmt.reports.findings.costs import costs_of
from sfcmt.reports.sources.ablation import AblationResults
from sfcmt.reports.sources.search import SearchResults


def test_of_a_search_by_kind_of_stage(searched: SearchResults) -> None:
    source, transfer = costs_of(searched).rows
    assert (source.what, source.trained, source.seconds, source.reused, source.saved) == ("source", 1, 11, 10, 110)
    assert (transfer.what, transfer.trained, transfer.reused, transfer.saved) == ("transfer", 10, 1, 7.5)
    assert transfer.seconds == sum(4.5 + place for place in range(11)) - 7.5


def test_of_an_ablation_by_arm(parts: AblationResults) -> None:
    found = costs_of(parts).rows
    assert [one.what for one in found] == list(parts.arms)
    assert {(one.trained, one.seconds, one.reused, one.saved, one.unknown) for one in found} == {(4, 18, 1, 2, 0)}
