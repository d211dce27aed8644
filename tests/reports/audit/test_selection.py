from __future__ import annotations

import numpy as np
import pytest

from sfcmt.reports.audit.draw import draw
from sfcmt.reports.audit.estimates import estimate
from sfcmt.reports.audit.selection import select
from sfcmt.reports.statistics.samples import StatisticsError

GENERATOR = np.random.default_rng(0)
LABELS = GENERATOR.integers(4, size=200)
MODELS = {f"m{place}": np.where(GENERATOR.random(200) < 0.2 + 0.2 * place, LABELS, 9) for place in (1, 3, 2)}
DRAWN = draw(MODELS["m2"], 60, 1)
ANSWERS: dict[int, int | None] = {row: int(LABELS[row]) for row in DRAWN.rows}


def test_the_best_wins_and_is_called_optimistic() -> None:
    found = select(DRAWN, ANSWERS, MODELS, frames_N=np.arange(200))
    assert list(found.estimates) == ["m3", "m2", "m1"]
    assert (found.winner, found.is_optimistic) == ("m3", True)
    assert found.single_level == pytest.approx(1 - 0.05 / 3)
    for name, one in found.estimates.items():
        assert one == estimate(DRAWN, ANSWERS, MODELS[name], frames_N=np.arange(200), level=1 - 0.05 / 3)


def test_a_single_candidate_is_not_chosen() -> None:
    found = select(DRAWN, ANSWERS, {"m1": MODELS["m1"]}, level=0.9)
    assert (found.winner, found.is_optimistic) == ("m1", False)
    assert found.estimates["m1"] == estimate(DRAWN, ANSWERS, MODELS["m1"], level=0.9)


def test_against_a_champion() -> None:
    found = select(DRAWN, ANSWERS, {name: MODELS[name] for name in ("m1", "m3")}, against_N=MODELS["m2"])
    assert [one.quantity for one in found.estimates.values()] == ["difference"] * 2
    assert found.winner == "m3"


def test_ties_go_by_name() -> None:
    assert select(DRAWN, ANSWERS, {"b": MODELS["m1"], "a": MODELS["m1"]}).winner == "a"


def test_mistakes() -> None:
    with pytest.raises(StatisticsError, match="candidates: at least one"):
        select(DRAWN, ANSWERS, {})
    with pytest.raises(StatisticsError, match="no label was told"):
        select(DRAWN, dict.fromkeys(DRAWN.rows), MODELS)
