"""What changes do to an experiment: something, nothing, or a refusal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sfcmt.errors import ConfigError, Problem
from sfcmt.experiment import Experiment
from sfcmt.identity import result_fields
from sfcmt.recipes import image_size, source_size
from sfcmt.tuning.ablation.designs import Design
from sfcmt.tuning.ablation.factors import Factor, Level, factor_of
from sfcmt.tuning.search.space import MAY_VARY, apply_values, may_vary

_SECTIONS = ("data", "source", "bridge", "transfer")


def read_factors(
    given_by_name: Mapping[str, Mapping[str, Any]], experiment: Experiment[Any]
) -> tuple[list[Factor], list[Problem]]:
    """The factors with the levels that the experiment has already marked, and what is wrong with them."""
    factors: list[Factor] = []
    problems: list[Problem] = []
    for name, given in given_by_name.items():
        try:
            factor = factor_of(name, given)
            levels = tuple(_with_origin(name, level, experiment) for level in factor.levels)
        except ConfigError as error:
            problems += error.problems
            continue
        factors.append(replace(factor, levels=levels))
        if all(level.is_own for level in levels):
            problems.append(Problem(f"factors.{name}", given, "a change: the experiment is trained like this already"))
    return factors, problems


def _with_origin(name: str, level: Level, experiment: Experiment[Any]) -> Level:
    """A level, told whether the experiment has its values already. Raises `ConfigError`."""
    outside = [field for field in level.changes if not may_vary(field)]
    if outside or not level.changes:
        wrong = ", ".join(outside) or level.name
        raise ConfigError([Problem(f"factors.{name}", wrong, f"fields, each {MAY_VARY}")])
    try:
        changed = apply_values(experiment, level.changes)
    except ConfigError as error:
        raise ConfigError([replace(one, path=f"factors.{name}.{one.path}") for one in error.problems]) from error
    return replace(level, is_own=_trained(changed) == _trained(experiment))


def arm_problems(design: Design, experiment: Experiment[Any]) -> Iterator[Problem]:
    """Arms that the experiment refuses, and arms that train the same as an earlier one."""
    earlier: dict[str, Any] = {}
    for arm in design.arms:
        try:
            trained = _trained(apply_values(experiment, arm.changes))
        except ConfigError as error:
            yield from (replace(one, path=f"arm {arm.name}: {one.path}") for one in error.problems)
            continue
        twin = next((name for name, other in earlier.items() if other == trained), None)
        if twin is not None:
            yield Problem("factors", arm.name, f"an arm that differs from {twin}: both train the same")
        earlier[arm.name] = trained


def _trained(experiment: Experiment[Any]) -> dict[str, Any]:
    """What of an experiment is trained: a method that uses no bridge does not care for its fields."""
    sections = [name for name in _SECTIONS if name != "bridge" or experiment.trains_bridge]
    trained: dict[str, Any] = {name: result_fields(getattr(experiment, name)) for name in sections}
    sizes = [image_size(experiment), source_size(experiment)]
    return trained | {"method": experiment.method, "sizes": sizes, "translator": experiment.bridge.fixed}
