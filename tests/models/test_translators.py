"""What holds for every translator, and what tells them apart."""

from __future__ import annotations

import pytest
import torch

from sfcmt.models.translators import TRANSLATORS
from sfcmt.testing.translators import Make, TranslatorContract


def test_the_registered_translators() -> None:
    assert set(TRANSLATORS) == {"copy", "light", "unet"}


class TestTranslators(TranslatorContract):
    """Each of ours."""

    @pytest.fixture(params=TRANSLATORS)
    def make(self, request: pytest.FixtureRequest) -> Make:
        return TRANSLATORS[request.param]


def test_only_the_unet_sees_beyond_a_pixel_s_neighbours() -> None:
    reach = {}
    for name in ("light", "unet"):
        torch.manual_seed(0)
        translator = TRANSLATORS[name]().eval()
        torch.nn.init.normal_(translator.out.weight)  # type: ignore[arg-type, union-attr]
        x = torch.randn(1, 1, 32, 32, requires_grad=True)
        translator(x)[0, 0, 16, 16].backward()
        assert x.grad is not None
        reach[name] = int((x.grad[0, 0, 16] != 0).sum())
    assert reach["light"] == 3
    assert reach["unet"] > 8
