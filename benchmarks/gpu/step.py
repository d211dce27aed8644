"""A training step of TGKT: against a loop written by hand in the same process, and against what the card can do.

The roofline is the time that the counted operations would take if each ran at the measured peak: the larger of its
floating-point operations and the bytes of what it reads and writes. No kernels are fused in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from benchmarks.gpu.bench import Bench, Row
from benchmarks.tgkt_step import PlainLoop, measure, our_step, step_context
from sfcmt.data.batches import UnlabelledBatch
from sfcmt.stages.transfer_context import TransferContext
from sfcmt.testing.tiny import write_tiny

Step = Callable[[UnlabelledBatch], object]


def rows(bench: Bench) -> Iterator[Row]:
    """Loops by hand, ours, and ours with cached teachers; then the roofline, and memory."""
    augmented = settings(bench, "augmented")
    by_hand: dict[str, Step] = {
        "by hand": PlainLoop(augmented, torch.contiguous_format),
        "by hand, channels_last": PlainLoop(augmented, torch.channels_last),
    }
    ours: dict[str, Step] = {
        "sfcmt": our_step(augmented),
        "sfcmt, cached teachers": our_step(settings(bench, "clean")),
    }
    seconds = measure(by_hand | ours, augmented, bench.repeats)
    baseline = seconds["by hand, channels_last"]
    for name, value in seconds.items():
        yield Row(name, f"{1000 * value:8.1f} ms a step, {baseline / value:.2f} times as fast as channels_last by hand")
    yield from _bounds(ours["sfcmt"], augmented, seconds["sfcmt"], bench)


def settings(bench: Bench, view: str, **runtime: Any) -> TransferContext[Any]:
    """TGKT at the sizes of the run, whose teachers see such a view."""
    folder = bench.folder / "step"
    data = folder if folder.exists() else write_tiny(folder, rows=4 * bench.batch)
    sizes: dict[str, Any] = {"backbone": bench.backbone, "size": bench.size, "batch": bench.batch}
    return step_context(bench.folder, view, **sizes, data=str(data), device=bench.device_name, **runtime)


def _bounds(step: Step, context: TransferContext[Any], seconds: float, bench: Bench) -> Iterator[Row]:
    batch = next(iter(context.data.epoch(context.config, torch.Generator())))
    _ = batch.target, batch.pair_target, batch.pair_source
    if bench.device_name == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with Counted(bench) as counted:
        step(batch)
    yield Row("operations and bytes of a step", f"{counted.flops / 1e12:.3g} TFLOP, {counted.bytes / 1e9:.3g} GB")
    if counted.seconds:
        yield Row(
            "roofline", f"{1000 * counted.seconds:8.1f} ms a step: {counted.seconds / seconds:.0%} of it is reached"
        )
    if bench.device_name == "cuda":
        yield Row("memory at most", f"{torch.cuda.max_memory_allocated() / 2**30:.2f} GiB for {bench.batch} images")


class Counted(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts what each operation computes and moves, and how long the card needs for it at least."""

    def __init__(self, bench: Bench) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._peak, self._bandwidth = bench.flops.get("tf32", 0.0), bench.bandwidth
        self.flops = self.bytes = self.seconds = 0.0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = function(*args, **(kwargs or {}))
        count = flop_registry.get(function.overloadpacket)
        flops = float(count(*args, **(kwargs or {}), out_val=found)) if count else 0.0
        moved = 0.0 if function.is_view else float(sum(map(_bytes, _tensors((args, found)))))
        self.flops, self.bytes = self.flops + flops, self.bytes + moved
        if self._peak and self._bandwidth:
            self.seconds += max(flops / self._peak, moved / self._bandwidth)
        return found


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values if isinstance(values, (tuple, list)) else (values,):
        if isinstance(value, (tuple, list)):
            yield from _tensors(value)
        elif isinstance(value, Tensor):
            yield value


def _bytes(x: Tensor) -> int:
    return x.numel() * x.element_size()
