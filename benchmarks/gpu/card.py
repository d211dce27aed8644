"""What the card can do at most, as measured: products of matrices by number type, and moving memory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch

from benchmarks.gpu.bench import Bench, Row


def rows(bench: Bench) -> Iterator[Row]:
    """Measure, and remember for the roofline of training steps."""
    n = 256 if bench.tiny else 8192
    kinds = {"float32": (torch.float32, False), "tf32": (torch.float32, True), "bfloat16": (torch.bfloat16, True)}
    for name, (dtype, tf32) in (kinds | {"float16": (torch.float16, True)}).items():
        torch.set_float32_matmul_precision("high" if tf32 and bench.device_name == "cuda" else "highest")
        x = torch.randn(n, n, device=bench.device, dtype=dtype)
        seconds = bench.seconds(partial(torch.matmul, x, x))
        bench.flops[name] = 2 * n**3 / seconds
        yield Row(f"product of {n}x{n} matrices, {name}", f"{bench.flops[name] / 1e12:8.2f} TFLOP/s")
    big = torch.zeros(2**20 if bench.tiny else 2**30, device=bench.device, dtype=torch.uint8)
    target = torch.empty_like(big)
    bench.bandwidth = 2 * big.numel() / bench.seconds(lambda: target.copy_(big))
    yield Row("memory read and written", f"{bench.bandwidth / 1e9:8.1f} GB/s")
    if bench.device_name == "cuda":
        pinned = torch.zeros(2**28, dtype=torch.uint8).pin_memory()
        seconds = bench.seconds(lambda: pinned.to(bench.device, non_blocking=True))
        yield Row("pinned memory to the card", f"{pinned.numel() / seconds / 1e9:8.1f} GB/s")
