"""Values by seed."""

from __future__ import annotations

import math

import pytest

from sfcmt.errors import SfcmtError
from sfcmt.reports.statistics.samples import StatisticsError, differences_of, values_of


def test_values_come_in_the_order_of_their_seeds() -> None:
    seeds, values = values_of({3: 0.3, 1: 0.1, 2: 0.2})
    assert seeds == (1, 2, 3)
    assert values.tolist() == [0.1, 0.2, 0.3]


def test_differences_are_of_common_seeds() -> None:
    seeds, differences = differences_of({0: 1.0, 1: 2.0, 5: 9.0}, {1: 5.0, 0: 2.0, 7: 0.0})
    assert seeds == (0, 1)
    assert differences.tolist() == [1.0, 3.0]


def test_what_cannot_be_used() -> None:
    with pytest.raises(StatisticsError, match="seed 2: nan"):
        values_of({1: 0.1, 2: math.nan})
    with pytest.raises(SfcmtError, match="no values"):
        differences_of({1: 0.1}, {2: 0.1})
