"""What holds for every method of transfer."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sfcmt.stages.method import METHODS
from sfcmt.testing.methods import Adapted, MethodContract

EXPECTED = {
    *("source_only", "bn_adapt", "shot", "ti_distillation", "translator_only", "channel_copy", "socket", "aad"),
    *("tgkt", "robust_tgkt", "pool_distillation"),
}


def test_all_methods_are_registered() -> None:
    assert set(METHODS) == EXPECTED


class TestMethods(MethodContract):
    """Each of ours, on the stages that all tests share."""

    @pytest.fixture(scope="module", params=METHODS)
    def method(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture(scope="module")
    def store(self, tiny_store: Path) -> Path:
        return tiny_store

    def test_moves_something_unless_it_is_the_source_model(self, adapted: Adapted, method: str) -> None:
        stored = adapted.context.source.state_dict()
        found = adapted.model.classifier.state_dict().items()
        moved = [name for name, tensor in found if not torch.equal(tensor, stored[name])]
        assert bool(moved) == (method not in ("source_only", "translator_only"))
