"""A training step of TGKT against a plain hand-written loop of the same losses, model and batch.

    python -m benchmarks.tgkt_step [--backbone tf_efficientnet_lite0] [--size 64] [--steps 12]

Four variants take turns, step by step, on the same batches: the plain loop as most people write it (default memory
format), the plain loop in channels_last, ours with the frozen models looking at each augmented view, and ours with
their features cached. Printed are median seconds a step (loading excluded for all) and ratios against the plain loop;
above 1 is faster than it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sfcmt.callbacks import Callback
from sfcmt.data.batches import UnlabelledBatch
from sfcmt.data.opening import open_dataset
from sfcmt.experiment import parse_experiment
from sfcmt.pseudo_labels.centroids import centroid_labels
from sfcmt.recipes import transfer_recipe
from sfcmt.stages.fit import Loop
from sfcmt.stages.methods.tgkt import TGKT
from sfcmt.stages.predict import predict_rows
from sfcmt.stages.student import StudentLearner, make_terms
from sfcmt.stages.transfer_context import TransferContext
from sfcmt.store import Store
from sfcmt.workspace import Workspace

M = TypeVar("M", bound=nn.Module)
Step = Callable[[UnlabelledBatch], object]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="tf_efficientnet_lite0")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=12)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as store:
        fields = {"backbone": arguments.backbone, "size": arguments.size, "batch": arguments.batch}
        settings = {view: step_context(Path(store), view=view, **fields) for view in ("augmented", "clean")}
        steps: dict[str, Step] = {
            "plain loop": PlainLoop(settings["augmented"], torch.contiguous_format),
            "plain loop, channels_last": PlainLoop(settings["augmented"], torch.channels_last),
            "sfcmt": our_step(settings["augmented"]),
            "sfcmt, cached frozen features": our_step(settings["clean"]),
        }
        _report(measure(steps, settings["augmented"], arguments.steps))


def measure(steps: dict[str, Step], context: TransferContext[Any], count: int) -> dict[str, float]:
    """Median seconds of each step; they take turns on the same batches."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    generator = torch.Generator().manual_seed(0)
    training = context.config
    while min(map(len, seconds.values())) < count + 2:
        for batch in context.data.epoch(training, generator):
            _ = batch.target, batch.pair_target, batch.pair_source  # loaded outside the clock, for all alike
            for name, step in steps.items():
                started = time.perf_counter()
                step(batch)
                _synchronise()
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values[2 : count + 2]) for name, values in seconds.items()}


def _report(seconds: dict[str, float]) -> None:
    baseline = seconds["plain loop"]
    for name, value in seconds.items():
        print(f"{name:32s} {value * 1000:8.1f} ms a step   ratio {baseline / value:.2f}")


def step_context(
    store: Path, view: str, backbone: str, size: int, batch: int, data: str = "synthetic", **runtime: Any
) -> TransferContext[Any]:
    """TGKT with a source model and a bridge that were trained for an epoch."""
    training = {"epochs": 1, "batch": batch}
    experiment = parse_experiment(
        {
            "method": "tgkt",
            "data": {"folder": data, "size": size},
            "source": {"backbone": backbone, "pretrained": False, **training},
            "bridge": training,
            "transfer": {"batch": batch, "teacher_view": view, "pseudo": {"threshold": 0.0}},
            "runtime": {"threads": 1, "store": str(store), **runtime},
        }
    )
    dataset = open_dataset(experiment.data, store)
    recipe = transfer_recipe(experiment, dataset, seed=0)
    upstream = [Store(store).get_or_train(needed, experiment.runtime, Callback()) for needed in recipe.upstream]
    folder = Path(tempfile.mkdtemp(dir=store))
    workspace = Workspace(recipe, folder, store, upstream, experiment.runtime, Callback())
    return TransferContext(experiment.transfer, workspace, start=None)


def our_step(context: TransferContext[Any]) -> Step:
    """A step of the product's own training loop."""
    active = make_terms(TGKT.weights(context.config), TGKT().makers(context), context)
    learner = StudentLearner(context.new_student(), active, context).to(context.workspace.device)
    loop = Loop(learner, context.config, context.workspace)
    learner.train()
    learner.start_epoch()
    return lambda batch: loop.step(batch, 0.0)


class PlainLoop:
    """What one writes by hand: two passes of frozen models, two of the student, no caching, no framework."""

    def __init__(self, context: TransferContext[Any], memory_format: torch.memory_format) -> None:
        self.format = memory_format
        self.student: Any = _in_format(context.new_student(), memory_format).train()
        self.source = _in_format(deepcopy(context.source), memory_format)
        self.translator = _in_format(deepcopy(context.translator), memory_format)
        config = context.config
        student: Any = self.student
        heads = [*student.bottleneck.parameters()]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": student.backbone.parameters(), "lr": config.lr},
                {"params": heads, "lr": config.lr * config.head_lr},
            ],
            weight_decay=config.weight_decay,
        )
        everything = predict_rows(lambda x: self.student.eval()(x.expand(-1, 3, -1, -1)), context.data.target)
        self.labels = centroid_labels(everything.features_BD, everything.logits_BK.softmax(dim=1)).labels_N
        self.student.train()

    def __call__(self, batch: UnlabelledBatch) -> None:
        """One step."""
        target, pair_target, pair_source = (
            x.contiguous(memory_format=self.format) for x in (batch.target, batch.pair_target, batch.pair_source)
        )
        with torch.no_grad():
            teacher = self.source(self.translator(target))[1].softmax(dim=1)
            real = self.source(pair_source)[0]
        _, logits = self.student(target.expand(-1, 3, -1, -1))
        pair_features, _ = self.student(pair_target.expand(-1, 3, -1, -1))
        loss: Tensor = F.kl_div(logits.log_softmax(dim=1), teacher, reduction="batchmean")
        loss = loss + F.mse_loss(pair_features, real)
        loss = loss + 0.3 * F.cross_entropy(logits, self.labels[batch.target_B.to(self.labels.device)])
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        _ = loss.item()  # to print it, as one does


def _in_format(model: M, memory_format: torch.memory_format) -> M:
    return model.to(memory_format=memory_format)  # type: ignore[call-overload,no-any-return]


def _synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
