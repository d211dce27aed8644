"""Networks compiled by torch, for training steps only: what a model says of whole columns is computed plainly.

Compiling takes a minute or so, once for each training and network, and pays on GPUs where steps are many. Kernels are
fused, so that results differ in the last bits of each operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import nn

Compiling = Literal["off", "kernels", "cuda_graphs"]
_MODES = {"kernels": "default", "cuda_graphs": "reduce-overhead"}
_BACKEND = "inductor"


class CompiledSteps:
    """Networks that run compiled within `step()`, and as they are elsewhere."""

    def __init__(self, networks: Sequence[nn.Module], compiling: Compiling) -> None:
        self._has_graphs = compiling == "cuda_graphs"
        mode = _MODES.get(compiling) if _BACKEND == "inductor" else None
        self._calls: dict[nn.Module, Callable[..., Any] | None] = {}
        for network in networks if compiling != "off" else ():
            network.compile(backend=_BACKEND, mode=mode, dynamic=False)
            self._calls[network] = network._compiled_call_impl
        self._switch(on=False)

    @contextmanager
    def step(self) -> Iterator[None]:
        """The context of a training step."""
        if self._has_graphs:
            # what the step before has made is not needed any more
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        self._switch(on=True)
        try:
            yield
        finally:
            self._switch(on=False)

    def _switch(self, on: bool) -> None:
        for network, call in self._calls.items():
            network._compiled_call_impl = call if on else None
