"""Label-free scores of trained target models. Higher is better for each of them."""

from sfcmt.validators.base import POOL_VALIDATORS, VALIDATORS, PoolValidator, Validator

__all__ = ["POOL_VALIDATORS", "VALIDATORS", "PoolValidator", "Validator"]
