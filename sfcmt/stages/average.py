"""An averaged copy of a model that is trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


class Average(AveragedModel):
    """Exponential moving average of parameters and buffers; the first update copies the model.

        w <- decay w + (1 - decay) w_model

    torch's own asks the device at every update whether it is the first, and waits for the answer.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, use_buffers=True)
        self._decay = decay
        self._updates: int | None = None
        self.requires_grad_(False)

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Follow the model by one step."""
        if self._updates is None:  # a checkpoint may have been loaded since it was made
            self._updates = int(self.n_averaged)
        if self._updates:
            self._follow(_tensors(self.module), _tensors(model))
        else:
            torch._foreach_copy_(_tensors(self.module), _tensors(model))
        self._updates += 1
        self.n_averaged += 1

    def _follow(self, averaged: list[Tensor], current: list[Tensor]) -> None:
        pairs = list(zip(averaged, current, strict=True))
        floats = [pair for pair in pairs if pair[0].is_floating_point()]
        torch._foreach_lerp_([mine for mine, _ in floats], [theirs for _, theirs in floats], 1 - self._decay)
        for mine, theirs in pairs:
            if not mine.is_floating_point():  # batch norm's number of batches
                mine.copy_(mine * self._decay + theirs * (1 - self._decay))


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]
