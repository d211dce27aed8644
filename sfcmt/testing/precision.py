"""Watching which functions of torch run within autocast while a stage trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from sfcmt.artifact import Row
from sfcmt.callbacks import Callback
from sfcmt.outputs import Outputs
from sfcmt.recipe import Recipe

LAYERS = frozenset({"conv2d", "linear"})
"""What networks alone use."""
EXACT = frozenset(
    {"affine_grid", "grid_sample", "log_softmax", "softmax", "logsumexp", "cross_entropy", "mse_loss", "kl_div"}
    | {"binary_cross_entropy_with_logits", "einsum", "var_mean", "vector_norm", "topk"}
)
"""What views of images, losses and statistics use."""


class _Names(TorchFunctionMode):
    """While open, notes the names of functions that are called with autocast on and off."""

    def __init__(self) -> None:
        super().__init__()
        self.on, self.off = set[str](), set[str]()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        (self.on if torch.is_autocast_enabled("cpu") else self.off).add(func.__name__)
        return func(*args, **(kwargs or {}))


class AutocastWatch(Callback):
    """Watches a training of one epoch, on a CPU, from its first step to its model's outputs."""

    def __init__(self) -> None:
        self._names = _Names()

    def stage_started(self, recipe: Recipe, epochs: int) -> None:
        """Begin: networks are built and loaded by now, which tries them in float32."""
        self._names.__enter__()  # type: ignore[no-untyped-call]

    def epoch_ended(self, recipe: Recipe, row: Row, outputs: Callable[[], Outputs | None]) -> None:
        """Look at the outputs, too, and end."""
        outputs()
        self._names.__exit__(None, None, None)  # type: ignore[no-untyped-call]

    def require(self, half: bool) -> None:
        """Layers were in autocast in half precision and only then; nothing that must be exact ever was."""
        within, without = (self._names.on, self._names.off) if half else (self._names.off, self._names.on)
        assert within & LAYERS
        assert not without & LAYERS
        assert not self._names.on & EXACT, self._names.on & EXACT
