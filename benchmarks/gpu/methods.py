"""Each stage and method on the device against the CPU, and TGKT in half precision against float32.

Float32 without TF32, plain gradient descent and few steps: AdamW makes a whole step of a gradient that is nought but
for rounding. All start from the same source model and translator, which the CPU has trained.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu.bench import Bench, Row, near
from sfcmt.stages.method import METHODS
from sfcmt.testing.tiny import context_of, get_or_train, tiny_experiment, write_tiny

TRAINING: dict[str, Any] = {"optimiser": "sgd", "epochs": 1, "batch": 16, "lr": 1e-3}
TOLERANCE, _HALF = 2e-2, 0.2
_SWITCHES = {"beta_im": 0.1, "beta_pair_kl": 0.1, "beta_relations": 0.1, "beta_neighbours": 0.1, "ema": 0.5}


def rows(bench: Bench) -> Iterator[Row]:
    """The stages, the methods, TGKT with all its terms, and in half precision."""
    data = write_tiny(bench.folder / "methods")
    for kind in ("source", "bridge"):
        yield _stage(kind, data, bench)
    store = bench.folder / "store-cpu"
    for name, method in METHODS.items():
        changes = TRAINING if method.trains else {}
        yield near(
            name, logits(name, data, store, bench, **changes), logits(name, data, store, None, **changes), TOLERANCE
        )
    every = TRAINING | _SWITCHES
    found, expected = (logits("tgkt", data, store, where, **every) for where in (bench, None))
    yield near("tgkt with every term", found, expected, TOLERANCE)
    for precision in ("bfloat16", "float16"):
        found = logits("tgkt", data, store, bench, **TRAINING, precision=precision)
        yield near(f"tgkt in {precision}", found, logits("tgkt", data, store, bench, **TRAINING), _HALF)


def _stage(kind: str, data: Path, bench: Bench) -> Row:
    """The translator, or the source model, as trained on the device and on the CPU: what their curves end with."""
    ends = []
    for device in (bench.device_name, "cpu"):
        sections = {"source": TRAINING | {"backbone": "small"}, "bridge": TRAINING}
        experiment = tiny_experiment(
            data, bench.folder / f"store-{device}", **sections, runtime={"device": device, "tf32": False}
        )
        last = get_or_train(kind, experiment).curves[-1]
        ends.append(torch.tensor([last[name] for name in sorted(last) if name != "epoch"]))
    return near(f"{kind}, losses", ends[0], ends[1], TOLERANCE)


def logits(
    method: str, data: Path, store: Path, bench: Bench | None, runtime: dict[str, Any] | None = None, **transfer: Any
) -> Tensor:
    """What a method makes of the target images, on the device, or on the CPU if there is no `bench`."""
    device = bench.device_name if bench else "cpu"
    sections = {"source": TRAINING | {"backbone": "small"}, "bridge": TRAINING, "transfer": transfer}
    on_cpu = tiny_experiment(data, store, **sections, method=method)
    get_or_train("transfer", on_cpu)  # so that all that it stands on is the CPU's
    experiment = tiny_experiment(
        data, store, **sections, method=method, runtime={"device": device, "tf32": False} | (runtime or {})
    )
    folder = store / "again" / f"{method}-{device}-{len(list(store.glob('again/*')))}"
    context = context_of(experiment, folder)
    model = METHODS[method]().adapt(context).to(context.workspace.device).eval()
    return context.answers(model).outputs.target_logits
