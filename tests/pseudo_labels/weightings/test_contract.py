"""What holds for every weighting."""

from __future__ import annotations

import pytest

from sfcmt.pseudo_labels.weightings import WEIGHTINGS
from sfcmt.testing.weightings import Make, WeightingContract


def test_all_weightings_are_registered() -> None:
    assert set(WEIGHTINGS) == {"threshold", "softmatch", "freematch"}


class TestWeightings(WeightingContract):
    """Each of ours."""

    @pytest.fixture(params=WEIGHTINGS)
    def make(self, request: pytest.FixtureRequest) -> Make:
        return WEIGHTINGS[request.param]
