"""A training that is interrupted after an epoch against one that is not, on the device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from benchmarks.gpu.bench import Bench, Row, near
from sfcmt.stages.method import METHODS
from sfcmt.testing.tiny import context_of, tiny_experiment, write_tiny


def rows(bench: Bench) -> Iterator[Row]:
    """In each precision, with fused AdamW, an average, and the scaler of float16."""
    data = write_tiny(bench.folder / "resume")
    for precision in ("float32", "bfloat16", "float16"):

        def logits(name: str, epochs: int, precision: str = precision) -> Tensor:
            transfer: dict[str, Any] = {"epochs": epochs, "precision": precision, "schedule": "constant", "ema": 0.5}
            runtime = {"device": bench.device_name}
            experiment = tiny_experiment(data, bench.folder / "resume-store", transfer=transfer, runtime=runtime)
            context = context_of(experiment, bench.folder / f"{name}-{precision}")
            model = METHODS["tgkt"]().adapt(context).to(context.workspace.device).eval()
            return context.answers(model).outputs.target_logits

        whole = logits("whole", 2)
        logits("parts", 1)
        yield near(f"tgkt in {precision}", logits("parts", 2), whole, 0.0 if bench.device_name == "cpu" else 5e-2)
