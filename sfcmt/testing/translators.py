"""What holds for every translator of target images: one contract for those that learn, one for those that are fixed."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from sfcmt.data.manifest import Holes, Normalisation

Make = Callable[[int], nn.Module]
MakeFixed = Callable[[Normalisation, Holes, Normalisation], nn.Module]
CHANNELS = (1, 3, 5)
SIZES = [(32, 32), (33, 47), (5, 4), (17, 96)]
DEPTH = Normalisation(mean=(2500.0,), std=(900.0,))
RGB = Normalisation(mean=(120.0, 110.0, 100.0), std=(60.0, 59.0, 58.0))


class TranslatorContract:
    """Tests of a translator that learns; a subclass has a fixture `make`, which makes one for some channels."""

    @pytest.fixture
    def make(self) -> Make:
        """What makes a translator."""
        raise NotImplementedError("give the subclass a fixture `make` that returns yours")

    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("training", [True, False])
    def test_starts_as_an_exact_channel_copy_at_any_size(
        self, make: Make, size: tuple[int, int], training: bool
    ) -> None:
        """(B, 1, H, W) -> (B, 3, H, W)."""
        x = torch.randn(3, 1, *size)
        y = make(1).train(training)(x)
        assert y.shape == (3, 3, *size)
        assert torch.equal(y, torch.cat([x, x, x], dim=1))

    def test_starts_as_the_image_itself_where_it_has_three_channels(self, make: Make) -> None:
        """(B, 3, H, W) -> the same."""
        x = torch.randn(3, 3, 9, 11)
        assert torch.equal(make(3).train()(x), x)

    @pytest.mark.parametrize("channels", [2, 5])
    def test_starts_as_the_mean_of_other_numbers_of_channels(self, make: Make, channels: int) -> None:
        """(B, C, H, W) -> (B, 3, H, W)."""
        x = torch.randn(3, channels, 9, 11)
        torch.testing.assert_close(make(channels).train()(x), x.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1))

    @pytest.mark.parametrize("channels", CHANNELS)
    def test_gradients_reach_the_input_and_in_time_every_parameter(self, make: Make, channels: int) -> None:
        """In two steps: the zeros of a last convolution keep the first gradient from what is before it."""
        translator = make(channels).train()
        x = torch.randn(4, channels, 16, 16, requires_grad=True)
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

    @pytest.mark.parametrize("channels", CHANNELS)
    def test_a_step_of_descent_lowers_the_error_of_what_can_be_trained(self, make: Make, channels: int) -> None:
        """Towards a target that differs by channel."""
        torch.manual_seed(0)
        translator, x = make(channels).train(), torch.randn(4, 1, 16, 16).expand(-1, channels, -1, -1)
        goal = torch.cat([2 * x[:, :1], -x[:, :1], x[:, :1] + 1], dim=1)
        optimiser = torch.optim.Adam([*translator.parameters(), nn.Parameter(torch.zeros(()))], lr=3e-2)
        errors = []
        for _ in range(30):
            error = (translator(x) - goal).square().mean()
            errors.append(error.item())
            optimiser.zero_grad()
            if error.requires_grad:
                error.backward()
            optimiser.step()
        assert (errors[-1] < 0.5 * errors[0]) == bool(list(translator.parameters()))


class FixedTranslatorContract:
    """Tests of a fixed translator; a subclass has a fixture `make`, which makes one as the registry does."""

    holes: ClassVar[tuple[Holes, ...]] = ("keep", "fill", "mask")

    @pytest.fixture
    def make(self) -> MakeFixed:
        """What makes a translator."""
        raise NotImplementedError("give the subclass a fixture `make` that returns yours")

    @pytest.mark.parametrize("size", SIZES)
    @pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.float32])
    def test_stored_pixels_become_finite_images_of_three_channels(
        self, make: MakeFixed, size: tuple[int, int], dtype: torch.dtype
    ) -> None:
        """(B, 1, H, W) -> (B, 3, H, W), of about unit deviation."""
        for holes in self.holes:
            y = make(DEPTH, holes, RGB)(_depth(size).to(dtype))
            assert (y.shape, y.dtype) == ((3, 3, *size), torch.float32)
            assert y.isfinite().all()
            assert y.abs().max() < 20

    def test_masked_holes_are_at_the_mean_and_no_image_is_all_holes(self, make: MakeFixed) -> None:
        """Holes are 0 where they are masked, and an image of nothing else is too."""
        x = _depth((24, 24))
        x[0], x[1:, :, 5:9, 7:20] = 0, 0
        y = make(DEPTH, "mask", RGB)(x)
        assert not y[0].any()
        assert not y[1:, :, 5:9, 7:20].any()
        assert y[1:].std() > 0.1

    def test_an_image_is_translated_alone(self, make: MakeFixed) -> None:
        """The rest of its batch is no matter."""
        translator, x = make(DEPTH, "mask", RGB), _depth((16, 16))
        torch.testing.assert_close(translator(x)[1:2], translator(x[1:2]), rtol=1e-4, atol=1e-5)

    def test_nothing_is_trained_or_kept(self, make: MakeFixed) -> None:
        """It is made anew from what the model's spec says."""
        translator = make(DEPTH, "mask", RGB)
        assert not translator.state_dict()
        assert not [*translator.parameters()]
        assert torch.equal(translator.train()(_depth((8, 8))), translator.eval()(_depth((8, 8))))


def _depth(size: tuple[int, int]) -> Tensor:
    """(3, 1, H, W) of smooth distances with some noise, 1 to 5 m in millimetres."""
    y, x = torch.meshgrid(torch.linspace(0, 3, size[0]), torch.linspace(0, 3, size[1]), indexing="ij")
    smooth = torch.stack([3000 + 1500 * (y + shift).sin() * (x - shift).cos() for shift in range(3)])[:, None]
    return (smooth + 200 * torch.rand(smooth.shape, generator=torch.Generator().manual_seed(0))).round()
