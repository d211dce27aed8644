"""Training steps compiled by torch: whether they learn the same, and how fast they are. Last: compiling is slow."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from benchmarks.gpu.bench import Bench, Row, near
from benchmarks.gpu.methods import TOLERANCE, TRAINING, logits
from benchmarks.gpu.step import Step, settings
from benchmarks.tgkt_step import PlainLoop, measure, our_step
from sfcmt.testing.tiny import write_tiny

_SECONDS = 150.0
"""For one way of compiling."""


def rows(bench: Bench) -> Iterator[Row]:
    """To kernels, and to CUDA graphs of kernels."""
    if bench.device_name != "cuda":
        yield Row("all", "needs a GPU", "skipped")
        return
    data, store = write_tiny(bench.folder / "compile"), bench.folder / "compile-store"
    plain = settings(bench, "augmented")
    for mode in ("kernels", "cuda_graphs"):
        if bench.left() < _SECONDS:
            yield Row(mode, "no time left", "skipped")
            continue
        found, expected = (logits("tgkt", data, store, bench, {"compile": how}, **TRAINING) for how in (mode, "off"))
        yield near(f"tgkt compiled to {mode}", found, expected, TOLERANCE)
        steps: dict[str, Step] = {
            "by hand": PlainLoop(plain, torch.channels_last),
            mode: our_step(settings(bench, "augmented", compile=mode)),
        }
        seconds = measure(steps, plain, bench.repeats)
        ratio = seconds["by hand"] / seconds[mode]
        yield Row(mode, f"{1000 * seconds[mode]:8.1f} ms a step, {ratio:.2f} times as fast as channels_last by hand")
