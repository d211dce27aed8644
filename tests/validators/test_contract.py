"""What holds for every validator."""

from __future__ import annotations

import math

import pytest
import torch

from sfcmt.outputs import Outputs
from sfcmt.validators import POOL_VALIDATORS, VALIDATORS
from tests.validators.examples import collapsed, perfect, random, reordered, uniform

REWARDS_UNIFORM = {"snd"}
"""Documented to score highest where all images are predicted alike, confidently or not."""
MODELS = {
    "perfect": perfect(12, 4),
    "uniform": uniform(12, 4),
    "collapsed": collapsed(12, 4),
    "random": random(12, 4),
    "single image": random(1, 4),
    "two classes": random(6, 2),
}
every_validator = pytest.mark.parametrize("name", VALIDATORS)
every_pool_validator = pytest.mark.parametrize("name", POOL_VALIDATORS)
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
ORDER = torch.randperm(12, generator=torch.Generator().manual_seed(0))


def test_no_name_is_of_both_kinds() -> None:
    assert {"infomax", "snd"} < set(VALIDATORS)
    assert {"ensv", "ensv_infomax"} <= set(POOL_VALIDATORS)
    assert not set(VALIDATORS) & set(POOL_VALIDATORS)


@every_validator
@every_model
def test_is_a_finite_float(name: str, model: Outputs) -> None:
    score = VALIDATORS[name](model)
    assert type(score) is float
    assert math.isfinite(score)


@every_validator
def test_order_does_not_matter(name: str) -> None:
    model = MODELS["random"]
    assert VALIDATORS[name](reordered(model, ORDER)) == pytest.approx(VALIDATORS[name](model), abs=1e-12)


@every_validator
def test_prefers_knowing_all_to_knowing_nothing(name: str) -> None:
    gain = VALIDATORS[name](MODELS["perfect"]) - VALIDATORS[name](MODELS["uniform"])
    assert (gain < 0) == (name in REWARDS_UNIFORM)


@every_pool_validator
@every_model
def test_pool_scores_are_finite_floats_one_a_model(name: str, model: Outputs) -> None:
    scores = POOL_VALIDATORS[name]([model, model])
    assert len(scores) == 2
    assert all(type(score) is float and math.isfinite(score) for score in scores)


@every_pool_validator
def test_pool_order_of_images_or_models_does_not_matter(name: str) -> None:
    pool = [random(12, 4, seed) for seed in range(5)]
    scores = POOL_VALIDATORS[name](pool)
    assert POOL_VALIDATORS[name]([reordered(model, ORDER) for model in pool]) == scores
    assert POOL_VALIDATORS[name](pool[::-1]) == scores[::-1]


@every_pool_validator
def test_pool_prefers_knowing_all_to_knowing_nothing(name: str) -> None:
    know_all, know_nothing = POOL_VALIDATORS[name]([MODELS["perfect"], MODELS["uniform"]])
    assert know_all > know_nothing
