"""What holds for every translator."""

from __future__ import annotations

import pytest
import torch

from sfcmt.models.translators import TRANSLATORS

every_translator = pytest.mark.parametrize("name", TRANSLATORS)


def test_the_registered_translators() -> None:
    assert set(TRANSLATORS) == {"copy", "light", "unet"}


@every_translator
@pytest.mark.parametrize("size", [(32, 32), (33, 47), (5, 4), (17, 96)])
@pytest.mark.parametrize("training", [True, False])
def test_starts_as_an_exact_channel_copy_at_any_size(name: str, size: tuple[int, int], training: bool) -> None:
    x = torch.randn(3, 1, *size)
    y = TRANSLATORS[name]().train(training)(x)
    assert y.shape == (3, 3, *size)
    assert torch.equal(y, torch.cat([x, x, x], dim=1))


@every_translator
def test_gradients_reach_the_input_and_in_time_every_parameter(name: str) -> None:
    translator = TRANSLATORS[name]().train()
    x = torch.randn(4, 1, 16, 16, requires_grad=True)
    goal = torch.randn(4, 3, 16, 16)
    for _ in range(2):  # the zeros of the last convolution keep the first gradient from what is before it
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


@every_translator
def test_a_step_of_descent_lowers_the_error_of_what_can_be_trained(name: str) -> None:
    torch.manual_seed(0)
    translator, x = TRANSLATORS[name]().train(), torch.randn(4, 1, 16, 16)
    goal = torch.cat([2 * x, -x, x + 1], dim=1)
    optimiser = torch.optim.Adam([*translator.parameters(), torch.nn.Parameter(torch.zeros(()))], lr=1e-2)
    errors = []
    for _ in range(30):
        error = (translator(x) - goal).square().mean()
        errors.append(error.item())
        optimiser.zero_grad()
        if error.requires_grad:
            error.backward()
        optimiser.step()
    assert (errors[-1] < 0.5 * errors[0]) == bool(list(translator.parameters()))


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
