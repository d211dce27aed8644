"""What holds for every translator of target images."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

Make = Callable[[], nn.Module]


class TranslatorContract:
    """Tests of a translator; a subclass has a fixture `make`, which makes one."""

    @pytest.fixture
    def make(self) -> Make:
        """What makes a translator."""
        raise NotImplementedError("give the subclass a fixture `make` that returns yours")

    @pytest.mark.parametrize("size", [(32, 32), (33, 47), (5, 4), (17, 96)])
    @pytest.mark.parametrize("training", [True, False])
    def test_starts_as_an_exact_channel_copy_at_any_size(
        self, make: Make, size: tuple[int, int], training: bool
    ) -> None:
        """(B, 1, H, W) -> (B, 3, H, W)."""
        x = torch.randn(3, 1, *size)
        y = make().train(training)(x)
        assert y.shape == (3, 3, *size)
        assert torch.equal(y, torch.cat([x, x, x], dim=1))

    def test_gradients_reach_the_input_and_in_time_every_parameter(self, make: Make) -> None:
        """In two steps: the zeros of a last convolution keep the first gradient from what is before it."""
        translator = make().train()
        x = torch.randn(4, 1, 16, 16, requires_grad=True)
        goal = torch.randn(4, 3, 16, 16)
        for _ in range(2):
            loss = (translator(x) - goal).square().mean()
            translator.zero_grad()
            loss.backward()
            with torch.no_grad():
                for parameter in translator.parameters():
                    assert parameter.grad is not None
                    parameter.sub_(0.1 * parameter.grad)
        assert x.grad is not None
        assert x.grad.any()
        assert all(parameter.grad.any() for parameter in translator.parameters() if parameter.grad is not None)

    def test_a_step_of_descent_lowers_the_error_of_what_can_be_trained(self, make: Make) -> None:
        """Towards a target that differs by channel."""
        torch.manual_seed(0)
        translator, x = make().train(), torch.randn(4, 1, 16, 16)
        goal = torch.cat([2 * x, -x, x + 1], dim=1)
        optimiser = torch.optim.Adam([*translator.parameters(), nn.Parameter(torch.zeros(()))], lr=1e-2)
        errors = []
        for _ in range(30):
            error = (translator(x) - goal).square().mean()
            errors.append(error.item())
            optimiser.zero_grad()
            if error.requires_grad:
                error.backward()
            optimiser.step()
        assert (errors[-1] < 0.5 * errors[0]) == bool(list(translator.parameters()))
