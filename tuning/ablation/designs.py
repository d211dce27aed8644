"""From factors to arms: which settings are run. The same factors give the same arms in the same order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal

from sfcmt.tuning.ablation.factors import OWN, Factor, Level
from sfcmt.tuning.ablation.fractions import Fraction, Resolution

Kind = Literal["leave_one_out", "add_one_in", "one_at_a_time", "factorial", "fractional", "grid", "methods"]
BASELINE = "baseline"


@dataclass(frozen=True)
class Arm:
    """One setting of the experiment."""

    name: str
    levels: Mapping[str, str]
    """Level of every factor; `own` is the experiment's."""
    changes: Mapping[str, Any]
    """Values by dotted field."""


@dataclass(frozen=True)
class Design:
    """Arms, the baseline first: the one that the others are compared with."""

    kind: Kind
    arms: tuple[Arm, ...]
    resolution: int | None = None
    """Of a fractional design."""
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of a fractional design: main effects and interactions of two, by what they are confounded with."""

    @property
    def baseline(self) -> Arm:
        """The first arm."""
        return self.arms[0]


def design_of(kind: Kind, factors: Sequence[Factor], resolution: Resolution | None = None) -> Design:
    """The arms of checked factors; for `methods` see `methods_design`.

    - `leave_one_out`: the experiment, and each factor changed by itself: `no-NAME`.
    - `add_one_in`: all factors changed, and each by itself as the experiment has it: `only-NAME`.
    - `one_at_a_time`: the experiment, and each level of each factor by itself.
    - `factorial`: all combinations of changed and unchanged factors.
    - `fractional`: some of these, see `fractions`.
    - `grid`: all combinations of the given levels, and the experiment if it is not among them.
    """
    if kind == "fractional":
        assert resolution is not None
        fraction = Fraction.find(len(factors), resolution)
        assert fraction is not None
        arms = tuple(_two_level_arm(factors, run) for run in fraction.runs())
        return Design(kind, arms, fraction.resolution, fraction.aliases([factor.name for factor in factors]))
    return Design(kind, tuple(_ARMS[kind](factors)))


def methods_design(own: str, others: Sequence[str]) -> Design:
    """An arm for each method, the experiment's own first: the one that the others are compared with."""
    arms = [Arm(own, {"method": own}, {}), *(Arm(name, {"method": name}, {"method": name}) for name in others)]
    return Design("methods", tuple(arms))


def _leave_one_out(factors: Sequence[Factor]) -> list[Arm]:
    return [_arm(BASELINE, factors, {})] + [
        _arm(f"no-{one.name}", factors, {one.name: one.levels[0]}) for one in factors
    ]


def _add_one_in(factors: Sequence[Factor]) -> list[Arm]:
    changed = {factor.name: factor.levels[0] for factor in factors}
    rest = [{name: level for name, level in changed.items() if name != one.name} for one in factors]
    return [_arm(BASELINE, factors, changed)] + [
        _arm(f"only-{one.name}", factors, others) for one, others in zip(factors, rest, strict=True)
    ]


def _one_at_a_time(factors: Sequence[Factor]) -> list[Arm]:
    return [_arm(BASELINE, factors, {})] + [
        _arm(one.name if len(one.levels) == 1 else f"{one.name}={level.name}", factors, {one.name: level})
        for one in factors
        for level in one.levels
        if not level.is_own
    ]


def _factorial(factors: Sequence[Factor]) -> list[Arm]:
    return [_two_level_arm(factors, run) for run in product((False, True), repeat=len(factors))]


def _grid(factors: Sequence[Factor]) -> list[Arm]:
    names = [factor.name for factor in factors]
    points = [dict(zip(names, levels, strict=True)) for levels in product(*(factor.levels for factor in factors))]
    own = [point for point in points if all(level.is_own for level in point.values())]
    others = [point for point in points if point not in own]
    return [_arm(BASELINE, factors, own[0] if own else {})] + [
        _arm(",".join(f"{name}={level.name}" for name, level in point.items()), factors, point) for point in others
    ]


_ARMS: dict[Kind, Callable[[Sequence[Factor]], list[Arm]]] = {
    "leave_one_out": _leave_one_out,
    "add_one_in": _add_one_in,
    "one_at_a_time": _one_at_a_time,
    "factorial": _factorial,
    "grid": _grid,
}


def _two_level_arm(factors: Sequence[Factor], run: Sequence[bool]) -> Arm:
    chosen = {factor.name: factor.levels[0] for factor, is_changed in zip(factors, run, strict=True) if is_changed}
    return _arm("+".join(chosen) or BASELINE, factors, chosen)


def _arm(name: str, factors: Sequence[Factor], chosen: Mapping[str, Level]) -> Arm:
    levels = {factor.name: chosen[factor.name].name if factor.name in chosen else OWN for factor in factors}
    changes = {field: value for level in chosen.values() for field, value in level.changes.items()}
    return Arm(name, levels, changes)
