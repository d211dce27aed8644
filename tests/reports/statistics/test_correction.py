"""Corrections by hand."""

from __future__ import annotations

from typing import get_args

import pytest

from sfcmt.reports.statistics.correction import Correction, correct
from sfcmt.reports.statistics.samples import StatisticsError
from sfcmt.tuning.ablation.spec import Test

P_VALUES = {"a": 0.010, "b": 0.040, "c": 0.030, "d": 0.005}


@pytest.mark.parametrize(
    ("correction", "adjusted", "rejected"),
    [
        # Holm: 0.005 x 4, 0.010 x 3, 0.030 x 2, then 0.040 x 1 but no less than before
        ("holm", [0.03, 0.06, 0.06, 0.02], {"a", "d"}),
        # Benjamini-Hochberg: 0.005 x 4 / 1, 0.010 x 4 / 2, 0.030 x 4 / 3, 0.040 x 4 / 4
        ("benjamini_hochberg", [0.02, 0.04, 0.04, 0.02], {"a", "b", "c", "d"}),
        ("none", [0.01, 0.04, 0.03, 0.005], {"a", "b", "c", "d"}),
    ],
)
def test_adjusted_p_values(correction: Correction, adjusted: list[float], rejected: set[str]) -> None:
    found = correct(P_VALUES, correction)
    assert [one.adjusted_p for one in found.values()] == pytest.approx(adjusted)
    assert {name for name, one in found.items() if one.is_rejected} == rejected
    assert {(one.correction, one.family, one.alpha) for one in found.values()} == {(correction, 4, 0.05)}


def test_families_of_none_and_what_is_no_p_value() -> None:
    assert correct({}, "holm") == {}
    with pytest.raises(StatisticsError, match="b: nan"):
        correct({"a": 0.5, "b": float("nan")}, "holm")


def test_specs_know_the_same_corrections() -> None:
    assert get_args(Test.model_fields["correction"].annotation) == get_args(Correction)
