"""The search space: distributions over the experiment's own fields, checked against them."""

from __future__ import annotations

import builtins
import math
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from pydantic import BaseModel, Field, FiniteFloat, model_validator

from sfcmt.config import Section
from sfcmt.errors import ConfigError, Problem
from sfcmt.experiment import Experiment, parse_experiment

Space = dict[str, "Distribution"]
Values = dict[str, Any]
_KINDS = ("uniform", "log", "int", "choice")


MAY_VARY = "a field of source, bridge or transfer, or data.size"
"""Fields that leave the scores of models comparable: `data.holdout` does not, as validators see the held-out pairs."""


class Suggester(Protocol):
    """The part of an Optuna trial that a space needs."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...

    def suggest_int(self, name: str, low: int, high: int) -> int: ...

    def suggest_categorical(self, name: str, choices: Any) -> Any: ...


class Distribution(Section):
    """Where a field's values come from: exactly one of `uniform`, `log`, `int` (both ends in) and `choice`."""

    uniform: tuple[FiniteFloat, FiniteFloat] | None = None
    log: tuple[FiniteFloat, FiniteFloat] | None = None
    int: tuple[builtins.int, builtins.int] | None = None  # `int` itself is this field by now
    choice: tuple[Any, ...] | None = None
    when: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    """Suggested only if each of these fields, named earlier in the space, has one of these values."""

    @model_validator(mode="after")
    def _one_kind(self) -> Distribution:
        given = [kind for kind in _KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of {', '.join(_KINDS)}")
        if given[0] == "choice" and not self.choice:
            raise ValueError("a choice with at least one value")
        if given[0] != "choice" and self.ends[0] >= self.ends[1]:
            raise ValueError("a range whose first end is below its second")
        if given[0] == "log" and self.ends[0] <= 0:
            raise ValueError("a log range above 0")
        return self

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values that bound the rest: both ends of a range, or all choices."""
        return self.uniform or self.log or self.int or self.choice or ()

    @property
    def examples(self) -> tuple[Any, ...]:
        """Values that a field must take for the distribution to fit it: the ends, and a fraction if there are any."""
        if self.choice or self.int:
            return self.ends
        low, high = self.ends
        return low, high, low + (high - low) / math.pi

    def suggest(self, trial: Suggester, name: str) -> Any:
        """Draw a value."""
        if self.choice is not None:
            return trial.suggest_categorical(name, self.choice)
        if self.int is not None:
            return trial.suggest_int(name, *self.int)
        return trial.suggest_float(name, *self.ends, log=self.log is not None)


def may_vary(field: str) -> bool:
    """Whether searches and ablations may vary a field, by its dotted name."""
    return field.partition(".")[0] in ("source", "bridge", "transfer") or field == "data.size"


def suggest_all(space: Mapping[str, Distribution], trial: Suggester) -> Values:
    """Draw a value for each field whose condition holds."""
    values: Values = {}
    for name, distribution in space.items():
        if all(values.get(other) in allowed for other, allowed in distribution.when.items()):
            values[name] = distribution.suggest(trial, name)
    return values


def apply_values(experiment: Experiment[Any], values: Mapping[str, Any]) -> Experiment[Any]:
    """The experiment with fields replaced, and its method, if that is among them. Raises `ConfigError`."""
    if "method" in values:
        experiment = experiment.with_method(values["method"])
    raw = experiment.model_dump(mode="json")
    for name, value in values.items():
        *parents, last = name.split(".")
        section = raw
        for parent in parents:
            section = section.setdefault(parent, {})
            if not isinstance(section, dict):
                raise ConfigError([Problem(name, value, f"a field of a section; {parent} is none")])
        section[last] = value
    return parse_experiment(raw)


def space_problems(space: Mapping[str, Distribution], experiment: Experiment[Any]) -> list[Problem]:
    """What the experiment has against the space: unknown fields, values out of range, conditions on nothing."""
    problems: list[Problem] = []
    earlier: list[str] = []
    for name, distribution in space.items():
        problems += _field_problems(name, distribution, experiment)
        problems += [
            Problem(f"space.{name}.when", other, ", ".join(earlier) or "nothing: no field stands before it")
            for other in distribution.when
            if other not in earlier
        ]
        earlier.append(name)
    return problems


def _field_problems(name: str, distribution: Distribution, experiment: Experiment[Any]) -> list[Problem]:
    if not may_vary(name):
        return [Problem(f"space.{name}", name, MAY_VARY)]
    for value in distribution.examples:
        try:
            apply_values(experiment, {name: value})
        except ConfigError as error:
            found = error.problems[0]
            return [Problem(f"space.{name}", found.value if found.path == name else value, found.allowed)]
    return []


def most_epochs(experiment: Experiment[Any], space: Space) -> int:
    """How many epochs the transfer of a trial can have."""
    searched = space.get("transfer.epochs")
    return int(max(searched.ends) if searched else experiment.transfer.epochs)


def declared_space(experiment: Experiment[Any]) -> Space:
    """`space: auto`: the ranges that the method's (and the bridge's, if it is used) fields declare for themselves."""
    sections = ("bridge", "transfer") if experiment.trains_bridge else ("transfer",)
    return {
        name: distribution
        for section in sections
        for name, distribution in _within(section, _declared(getattr(experiment, section)))
    }


def _within(section: str, declared: Iterator[tuple[str, Distribution]]) -> Iterator[tuple[str, Distribution]]:
    """The names of a section's fields, those of conditions too, as the experiment knows them."""
    for name, distribution in declared:
        when = {f"{section}.{other}": allowed for other, allowed in distribution.when.items()}
        yield f"{section}.{name}", distribution.model_copy(update={"when": when})


def _declared(section: BaseModel) -> Iterator[tuple[str, Distribution]]:
    for name, info in type(section).model_fields.items():
        extra, value = info.json_schema_extra, getattr(section, name)
        if isinstance(extra, dict) and "search" in extra:
            yield name, Distribution.model_validate(extra["search"])
        elif isinstance(value, BaseModel):
            yield from _within(name, _declared(value))
