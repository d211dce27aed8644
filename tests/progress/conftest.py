"""A trained comparison for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfcmt.callbacks import Callback
from sfcmt.testing.tiny import tiny_experiment
from sfcmt.tuning.comparison import Comparison


@pytest.fixture(scope="session")
def comparison(tiny_data: Path, tiny_store: Path) -> Comparison:
    """Two methods on one source model. Leave it as it is."""
    found = Comparison(tiny_experiment(tiny_data, tiny_store), ["source_only", "bn_adapt"], [0], oracles=False)
    found.train(Callback())
    return found
