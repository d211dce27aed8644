"""Label-free scores of trained target models: of one model (to drive a search), or over a pool (to pick from it).

Higher is better for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sfcmt.outputs import Outputs
from sfcmt.registry import Registry


class Validator(Protocol):
    """Scores one model by its outputs; higher is better."""

    def __call__(self, outputs: Outputs) -> float: ...


class PoolValidator(Protocol):
    """Scores each model of a pool by the outputs of all; higher is better."""

    def __call__(self, pool: Sequence[Outputs]) -> list[float]: ...


VALIDATORS: Registry[Validator] = Registry("validator", "sfcmt.validators", reserved=["anchor_agreement"])
POOL_VALIDATORS: Registry[PoolValidator] = Registry("pool validator", "sfcmt.validators.pool")


def scores_of(outputs: Outputs) -> dict[str, float]:
    """What every validator of one model says of it, by name."""
    return {name: validator(outputs) for name, validator in VALIDATORS.items()}
