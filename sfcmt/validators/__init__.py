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


_ON_PAIRS = "on_pairs"

VALIDATORS: Registry[Validator] = Registry("validator", "sfcmt.validators", reserved=["anchor_agreement"])
POOL_VALIDATORS: Registry[PoolValidator] = Registry("pool validator", "sfcmt.validators.pool")


def on_pairs(validator: Validator) -> Validator:
    """Decorator: a validator of one model that looks at held-out TI pairs."""
    setattr(validator, _ON_PAIRS, True)
    return validator


def validators_for(has_pairs: bool) -> dict[str, Validator]:
    """The validators of one model, by name: all, or those that say something where there are no TI pairs."""
    return {name: one for name, one in VALIDATORS.items() if has_pairs or not hasattr(one, _ON_PAIRS)}


def scores_of(outputs: Outputs) -> dict[str, float]:
    """What every validator of one model that has something to say of it says, by name."""
    return {name: validator(outputs) for name, validator in validators_for(outputs.has_pairs).items()}
