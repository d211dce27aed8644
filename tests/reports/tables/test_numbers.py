"""Numbers as text."""

from __future__ import annotations

import pytest

from sfcmt.reports.statistics.interval import Interval
from sfcmt.reports.tables.numbers import Metric, p_text, seconds_text, setting_text, size_text

ORACLE, VALIDATOR = Metric("oracle/balanced_accuracy"), Metric("validator/infomax")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (ORACLE.value(0.8312), "83.1"),
        (ORACLE.difference(0.0231), "+2.3"),
        (ORACLE.difference(-0.0231), "\N{MINUS SIGN}2.3"),
        (ORACLE.difference(-0.0001), "0.0"),
        (ORACLE.limits(Interval(0.81, 0.852, 0.95, "t")), "[81.0, 85.2]"),
        (ORACLE.limits(Interval(-0.01, 0.02, 0.95, "t"), True), "[\N{MINUS SIGN}1.0, +2.0]"),
        (ORACLE.title, "balanced accuracy (%)"),
        (VALIDATOR.value(-1.23456), "\N{MINUS SIGN}1.235"),
        (VALIDATOR.title, "infomax"),
        (p_text(0.0004), "<0.001"),
        (p_text(0.0449), "0.045"),
        (size_text(-0.5), "\N{MINUS SIGN}0.50"),
        (seconds_text(3.25), "3.2 s"),
        (seconds_text(12345.6), "12,346 s"),
        (setting_text(0.012345), "0.0123"),
        (setting_text("softmatch"), "softmatch"),
        (setting_text(False), "False"),
    ],
)
def test_how_it_is_written(written: str, expected: str) -> None:
    assert written == expected
