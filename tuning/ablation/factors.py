"""Factors of an ablation: named changes of an experiment, in one or more levels.

Three forms in YAML:

    domain: {bridge.alpha_d: 0}                       one level: fields that change together
    beta_f: {transfer.beta_f: [1, 10, 100]}           a sweep: a level for each value; lists of one length move together
    labels:                                           named levels
      soft: {transfer.pseudo.weighting: softmatch}
      sure: {transfer.pseudo.threshold: 0.9}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sfcmt.errors import ConfigError, Problem

OWN, CHANGED = "own", "changed"
"""Names of the experiment's own setting, and of the only level of a factor."""


@dataclass(frozen=True)
class Level:
    """One setting of a factor."""

    name: str
    changes: Mapping[str, Any]
    """Values by dotted field."""
    is_own: bool = False
    """Whether these are the values that the experiment has already."""


@dataclass(frozen=True)
class Factor:
    """What is varied."""

    name: str
    levels: tuple[Level, ...]

    @property
    def fields(self) -> set[str]:
        """All fields that one of its levels changes."""
        return {field for level in self.levels for field in level.changes}


def factor_of(name: str, given: Mapping[str, Any]) -> Factor:
    """Read one of the three forms. Raises `ConfigError`."""
    values = list(given.values())
    if values and all(isinstance(value, dict) for value in values):
        return Factor(name, tuple(Level(str(level), changes) for level, changes in given.items()))
    lengths = {len(value) for value in values if isinstance(value, list)}
    if not values or any(isinstance(value, dict) for value in values) or 0 in lengths or len(lengths) > 1:
        form = "fields with values, or with lists of one length, or named levels of these"
        raise ConfigError([Problem(f"factors.{name}", given, form)])
    if not lengths:
        return Factor(name, (Level(CHANGED, given),))
    return Factor(name, tuple(_nth_level(given, place) for place in range(lengths.pop())))


def _nth_level(sweep: Mapping[str, Any], place: int) -> Level:
    changes = {field: value[place] if isinstance(value, list) else value for field, value in sweep.items()}
    swept = (str(changes[field]) for field, value in sweep.items() if isinstance(value, list))
    return Level("/".join(swept), changes)
