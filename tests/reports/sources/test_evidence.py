"""What stands behind numbers."""

from __future__ import annotations

import pytest

from sfcmt.reports.sources.evidence import Provenance, interval_text, seeds_text
from sfcmt.reports.statistics.interval import Interval


@pytest.mark.parametrize(
    ("seeds", "text"),
    [
        ((), "none"),
        ((4,), "4"),
        ((1, 0), "0, 1"),
        ((2, 0, 1), "0\N{EN DASH}2"),
        ((0, 1, 2, 5, 7, 8), "0\N{EN DASH}2, 5, 7, 8"),
    ],
)
def test_seeds(seeds: tuple[int, ...], text: str) -> None:
    assert seeds_text(seeds) == text


def test_an_interval_that_should_be_there_is_missing() -> None:
    assert interval_text(None) == "missing"
    assert interval_text(Interval(0, 1, 0.975, "t")) == "97.5 %, t"


def test_several_studies_tell_what_each_has_once() -> None:
    together = Provenance.of_several([Provenance("a", "missing", "x 1"), Provenance("a", "01ab", "y 2")])
    assert together == Provenance("a", "missing; 01ab", "x 1; y 2")
