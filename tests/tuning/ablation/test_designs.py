"""Arms of each design, written out."""

from __future__ import annotations

from typing import Any

import pytest

from sfcmt.errors import ConfigError
from sfcmt.tuning.ablation.designs import Design, Kind, design_of
from sfcmt.tuning.ablation.factors import Factor, Level, factor_of

PARTS = [factor_of("domain", {"d": 0}), factor_of("infomax", {"im": 0}), factor_of("self", {"s": 0, "t": 1})]
SWEEPS = [
    Factor("f", (Level("1", {"f": 1}), Level("10", {"f": 10}, is_own=True), Level("100", {"f": 100}))),
    Factor("s", (Level("0", {"s": 0}), Level("1", {"s": 1}, is_own=True))),
]


def changes(design: Design) -> dict[str, dict[str, Any]]:
    """Of each arm."""
    return {arm.name: dict(arm.changes) for arm in design.arms}


def test_leave_one_out() -> None:
    design = design_of("leave_one_out", PARTS)
    assert changes(design) == {
        "baseline": {},
        "no-domain": {"d": 0},
        "no-infomax": {"im": 0},
        "no-self": {"s": 0, "t": 1},
    }
    assert design.arms[1].levels == {"domain": "changed", "infomax": "own", "self": "own"}


def test_add_one_in_starts_from_everything_changed() -> None:
    assert changes(design_of("add_one_in", PARTS)) == {
        "baseline": {"d": 0, "im": 0, "s": 0, "t": 1},
        "only-domain": {"im": 0, "s": 0, "t": 1},
        "only-infomax": {"d": 0, "s": 0, "t": 1},
        "only-self": {"d": 0, "im": 0},
    }


def test_one_at_a_time_takes_every_level_but_the_experiments_own() -> None:
    assert changes(design_of("one_at_a_time", [*SWEEPS, PARTS[0]])) == {
        "baseline": {},
        "f=1": {"f": 1},
        "f=100": {"f": 100},
        "s=0": {"s": 0},
        "domain": {"d": 0},
    }


def test_factorial() -> None:
    assert [arm.name for arm in design_of("factorial", PARTS).arms] == [
        "baseline",
        "self",
        "infomax",
        "infomax+self",
        "domain",
        "domain+self",
        "domain+infomax",
        "domain+infomax+self",
    ]


def test_fractional() -> None:
    design = design_of("fractional", PARTS, "III")
    assert [arm.name for arm in design.arms] == ["baseline", "infomax+self", "domain+self", "domain+infomax"]
    assert (design.resolution, design.aliases["domain"]) == (3, ("-infomax:self",))


def test_grid_with_the_experiments_own_point() -> None:
    design = design_of("grid", SWEEPS)
    assert [arm.name for arm in design.arms] == ["baseline", "f=1,s=0", "f=1,s=1", "f=10,s=0", "f=100,s=0", "f=100,s=1"]
    assert design.baseline.levels == {"f": "10", "s": "1"}


def test_grid_without_it_gets_a_baseline() -> None:
    design = design_of("grid", [Factor("f", SWEEPS[0].levels[::2]), SWEEPS[1]])
    assert [arm.name for arm in design.arms] == ["baseline", "f=1,s=0", "f=1,s=1", "f=100,s=0", "f=100,s=1"]
    assert design.baseline.levels == {"f": "own", "s": "own"}


@pytest.mark.parametrize("kind", ["leave_one_out", "add_one_in", "one_at_a_time", "factorial", "fractional"])
def test_the_baseline_comes_first_and_names_are_distinct(kind: Kind) -> None:
    design = design_of(kind, PARTS, "III" if kind == "fractional" else None)
    assert design.baseline.name == "baseline"
    assert len(changes(design)) == len(design.arms)
    assert design == design_of(kind, PARTS, "III" if kind == "fractional" else None)


def test_forms_of_factors() -> None:
    assert factor_of("both", {"a": [1, 2], "b": [0.1, 0.2], "c": "x"}).levels == (
        Level("1/0.1", {"a": 1, "b": 0.1, "c": "x"}),
        Level("2/0.2", {"a": 2, "b": 0.2, "c": "x"}),
    )
    assert factor_of("labels", {"soft": {"w": "softmatch"}, "sure": {"t": 0.9}}).levels == (
        Level("soft", {"w": "softmatch"}),
        Level("sure", {"t": 0.9}),
    )


@pytest.mark.parametrize("given", [{}, {"a": []}, {"a": [1, 2], "b": [1]}, {"a": {"b": 1}, "c": 2}])
def test_what_is_no_form(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"factors\.mine.*named levels"):
        factor_of("mine", given)
