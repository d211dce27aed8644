"""Validators over several studies."""

from __future__ import annotations

from typing import Any

import pytest

from sfcmt.reports.statistics.accountability import accountability
from sfcmt.reports.statistics.samples import StatisticsError


def scores(study: str, **validators: tuple[float, float | None]) -> dict[str, Any]:
    """What `sfcmt score` writes, as far as it is read."""
    judged = {name: {"regret": regret, "spearman": rank} for name, (regret, rank) in validators.items()}
    return {"study": study, "winner": 3, "regret": 0.0, "worst_regret": 0.5, "validators": judged}


def test_rows_are_ordered_by_regret() -> None:
    rows = accountability(
        [
            scores("x", snd=(0.10, -0.5), ensv=(0.00, 0.9)),
            scores("y", snd=(0.30, None), ensv=(0.02, 0.7)),
            scores("z", snd=(0.05, 0.1), ensv=(0.01, 0.8), new=(0.0, 1.0)),
        ]
    )
    assert [row.validator for row in rows] == ["new", "ensv", "snd"]
    new, ensv, snd = rows
    assert (ensv.studies, ensv.regret.n, ensv.worst_regret) == (("x", "y", "z"), 3, 0.02)
    assert ensv.regret.value == pytest.approx(0.01)
    assert ensv.spearman.value == pytest.approx(0.8)
    assert ensv.regret.interval is not None
    assert 0 <= ensv.regret.interval.low < 0.01 < ensv.regret.interval.high <= 0.02
    assert snd.spearman.value == pytest.approx(-0.2)
    assert (snd.spearman.n, snd.spearman.interval) == (2, None)
    assert snd.worst_regret == 0.30
    assert (new.studies, new.regret.interval) == (("z",), None)


def test_a_validator_that_never_ranked_anything() -> None:
    (row,) = accountability([scores("x", snd=(0.1, None))])
    assert (row.spearman.value, row.spearman.n) == (None, 0)


def test_a_study_counts_once() -> None:
    with pytest.raises(StatisticsError, match="x, x"):
        accountability([scores("x", snd=(0.1, 0.0))] * 2)
