"""Choosing a model of a pool without labels: the gate of the pairs first, then a validator over those that pass."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sfcmt.grounding.gate import Gate
from sfcmt.outputs import Outputs
from sfcmt.validators import PoolValidator


@dataclass(frozen=True)
class Choice:
    """Who was chosen, and why."""

    winner: str
    scores: dict[str, float]
    """The validator's, of those that it was asked about."""
    gate: Gate | None
    """None without TI pairs."""


def choose(
    pool: Mapping[str, Outputs],
    candidates: Collection[str],
    gate: Gate | None,
    validator: PoolValidator,
) -> Choice:
    """Choose among candidates, who are one or more of the pool; of equal ones, the first.

    The validator sees those of the pool that pass; all of it where there are no pairs, nobody is grounded, or no
    candidate passes.
    """
    passed = gate.passed if gate else ()
    inside = any(name in candidates for name in passed)
    asked = [name for name in pool if name in passed] if inside else list(pool)
    scores = dict(zip(asked, validator([pool[name] for name in asked]), strict=True))
    able = [name for name in asked if name in candidates]
    winner = max(able, key=lambda name: scores[name] if math.isfinite(scores[name]) else -math.inf)
    return Choice(winner, scores, gate)
