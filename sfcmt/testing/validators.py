"""What holds for every validator, of one model or of a pool."""

from __future__ import annotations

import math
from typing import ClassVar

import pytest
import torch

from sfcmt.outputs import Outputs
from sfcmt.testing.outputs import collapsed, perfect, random, reordered, uniform
from sfcmt.validators import PoolValidator, Validator

MODELS = {
    "perfect": perfect(12, 4),
    "uniform": uniform(12, 4),
    "collapsed": collapsed(12, 4),
    "random": random(12, 4),
    "single image": random(1, 4),
    "two classes": random(6, 2),
}
_every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
_ORDER = torch.randperm(12, generator=torch.Generator().manual_seed(0))


class ValidatorContract:
    """Tests of a validator; a subclass has a fixture `validator`."""

    rewards_uniform: ClassVar[tuple[str, ...]] = ()
    """Functions, by their `__name__`, that are documented to score highest where all images are predicted alike."""

    @pytest.fixture
    def validator(self) -> Validator:
        """The validator that is tested."""
        raise NotImplementedError("give the subclass a fixture `validator` that returns yours")

    @_every_model
    def test_is_a_finite_float(self, validator: Validator, model: Outputs) -> None:
        """Whatever the model says."""
        score = validator(model)
        assert type(score) is float
        assert math.isfinite(score)

    def test_order_does_not_matter(self, validator: Validator) -> None:
        """Of the images."""
        model = MODELS["random"]
        assert validator(reordered(model, _ORDER)) == pytest.approx(validator(model), abs=1e-12)

    def test_prefers_knowing_all_to_knowing_nothing(self, validator: Validator) -> None:
        """Unless it says that it does not."""
        gain = validator(MODELS["perfect"]) - validator(MODELS["uniform"])
        name = getattr(validator, "__name__", "")
        assert (gain < 0) == (name in self.rewards_uniform), f"if it is documented to: rewards_uniform = ({name!r},)"


class PoolValidatorContract:
    """Tests of a validator of pools; a subclass has a fixture `pool_validator`."""

    @pytest.fixture
    def pool_validator(self) -> PoolValidator:
        """The validator that is tested."""
        raise NotImplementedError("give the subclass a fixture `pool_validator` that returns yours")

    @_every_model
    def test_pool_scores_are_finite_floats_one_a_model(self, pool_validator: PoolValidator, model: Outputs) -> None:
        """Whatever the models say."""
        scores = pool_validator([model, model])
        assert len(scores) == 2
        assert all(type(score) is float and math.isfinite(score) for score in scores)

    def test_pool_order_of_images_or_models_does_not_matter(self, pool_validator: PoolValidator) -> None:
        """Scores follow the models."""
        pool = [random(12, 4, seed) for seed in range(5)]
        scores = pool_validator(pool)
        assert pool_validator([reordered(model, _ORDER) for model in pool]) == scores
        assert pool_validator(pool[::-1]) == scores[::-1]

    def test_pool_prefers_knowing_all_to_knowing_nothing(self, pool_validator: PoolValidator) -> None:
        """Of two models."""
        know_all, know_nothing = pool_validator([MODELS["perfect"], MODELS["uniform"]])
        assert know_all > know_nothing
