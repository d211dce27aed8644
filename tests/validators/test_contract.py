"""What holds for every validator."""

from __future__ import annotations

import pytest

from sfcmt.testing.validators import PoolValidatorContract, ValidatorContract
from sfcmt.validators import POOL_VALIDATORS, VALIDATORS, PoolValidator, Validator


def test_no_name_is_of_both_kinds() -> None:
    assert {"infomax", "snd"} < set(VALIDATORS)
    assert {"ensv", "ensv_infomax"} <= set(POOL_VALIDATORS)
    assert not set(VALIDATORS) & set(POOL_VALIDATORS)


class TestValidators(ValidatorContract):
    """Each of ours."""

    rewards_uniform = ("snd",)

    @pytest.fixture(params=VALIDATORS)
    def validator(self, request: pytest.FixtureRequest) -> Validator:
        return VALIDATORS[request.param]


class TestPoolValidators(PoolValidatorContract):
    """Each of ours."""

    @pytest.fixture(params=POOL_VALIDATORS)
    def pool_validator(self, request: pytest.FixtureRequest) -> PoolValidator:
        return POOL_VALIDATORS[request.param]
