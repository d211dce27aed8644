"""A training step of TGKT on one and on several workers, against a plain hand-written DDP loop of the same step.

    python -m benchmarks.scaling [--workers 2] [--backbone small] [--size 48] [--batch 64] [--steps 30]

Five variants take turns, step by step, on the same global batches: the plain loop as most people write it (default
memory format, batch norm of each worker's own part), the same in channels_last, that with synchronised batch norm, so
that it learns what ours does, ours with the frozen models looking at each augmented view as the plain ones do, and ours
with their features cached, as it is by default. torch has no synchronised batch norm for CPUs: there the plain loop is
lent ours. Each worker is a process with one thread, through gloo on CPUs; with a GPU for each, through NCCL. Printed
are TR target images a second, by the median step (loading excluded for all), and ratios against the plain loops in the
same number of workers; above 1 is faster. Workers wait for each other some 70 times a step: on a busy machine that
tells of the machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.multiprocessing.spawn import start_processes
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from sfcmt.callbacks import Callback
from sfcmt.data.batches import UnlabelledBatch
from sfcmt.data.opening import open_dataset
from sfcmt.distributed import share
from sfcmt.experiment import parse_experiment
from sfcmt.models.synchronised import synchronise
from sfcmt.pseudo_labels.centroids import centroid_labels
from sfcmt.recipes import transfer_recipe
from sfcmt.stages.fit import Loop
from sfcmt.stages.methods.tgkt import TGKT
from sfcmt.stages.predict import predict_rows
from sfcmt.stages.student import StudentLearner, make_terms
from sfcmt.stages.transfer_context import TransferContext
from sfcmt.store import Store
from sfcmt.workspace import Workspace

Step = Callable[[UnlabelledBatch], object]
_WARM_UP = 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--backbone", default="small")
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        _context(arguments, store, "clean", "upstream")  # trains what all stand on
        for workers in sorted({1, arguments.workers}):
            given = (workers, arguments, store)
            start_processes(_work, given, workers, start_method="spawn")  # type: ignore[no-untyped-call]


def _work(rank: int, workers: int, arguments: argparse.Namespace, store: Path) -> None:
    torch.set_num_threads(1)
    os.environ["LOCAL_RANK"] = str(rank)
    backend = "nccl" if torch.cuda.device_count() >= workers else "gloo"
    if backend == "nccl":
        torch.cuda.set_device(rank)
    dist.init_process_group(backend, f"file://{store}/group-{workers}", world_size=workers, rank=rank)
    settings = {view: _context(arguments, store, view, f"{view}-{workers}-{rank}") for view in ("augmented", "clean")}
    steps: dict[str, Step] = {
        "plain": PlainLoop(settings["augmented"], torch.contiguous_format, synchronised=False),
        "plain, channels_last": PlainLoop(settings["augmented"], torch.channels_last, synchronised=False),
        "plain, channels_last, sync": PlainLoop(settings["augmented"], torch.channels_last, synchronised=True),
        "sfcmt": _our_step(settings["augmented"]),
        "sfcmt, cached frozen features": _our_step(settings["clean"]),
    }
    seconds = _measure(steps, settings["augmented"], arguments.steps)
    if rank == 0:
        _report(seconds, workers, arguments.batch)
    dist.destroy_process_group()


def _measure(steps: dict[str, Step], context: TransferContext[Any], count: int) -> dict[str, float]:
    """Median seconds of a step, from when all workers begin until this one is done."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _, batch in zip(range(count + _WARM_UP), _batches(context), strict=False):
        _ = batch.target, batch.pair_target, batch.pair_source  # loaded outside the clock, for all alike
        for name, step in steps.items():
            dist.barrier()
            started = time.perf_counter()
            step(batch)
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values[_WARM_UP:]) for name, values in seconds.items()}


def _batches(context: TransferContext[Any]) -> Iterator[UnlabelledBatch]:
    generator = torch.Generator().manual_seed(0)
    while True:
        yield from context.data.epoch(context.config, generator)


def _report(seconds: dict[str, float], workers: int, batch: int) -> None:
    baselines = [name for name in seconds if name.startswith("plain")]
    print(f"{workers} workers; images a second, and ratios against {'; '.join(baselines)}")
    for name, value in seconds.items():
        ratios = "".join(f"{seconds[baseline] / value:7.2f}" for baseline in baselines)
        print(f"  {name:30s} {batch / value:8.1f} {ratios}", flush=True)


def _context(arguments: argparse.Namespace, store: Path, view: str, name: str) -> TransferContext[Any]:
    experiment = parse_experiment(
        {
            "method": "tgkt",
            "data": {"folder": "synthetic", "size": arguments.size},
            "source": {"backbone": arguments.backbone, "pretrained": False, "epochs": 1},
            "bridge": {"epochs": 1},
            "transfer": {"batch": arguments.batch, "teacher_view": view, "pseudo": {"threshold": 0.0}},
            "runtime": {"threads": 1, "store": str(store)},
        }
    )
    recipe = transfer_recipe(experiment, open_dataset(experiment.data, store), seed=0)
    upstream = [Store(store).get_or_train(needed, experiment.runtime, Callback()) for needed in recipe.upstream]
    (store / name).mkdir()
    workspace = Workspace(recipe, store / name, store, upstream, experiment.runtime, Callback())
    return TransferContext(experiment.transfer, workspace, start=None)


def _our_step(context: TransferContext[Any]) -> Step:
    active = make_terms(TGKT.weights(context.config), TGKT().makers(context), context)
    learner = StudentLearner(context.new_student(), active, context).to(context.workspace.device)
    loop = Loop(learner, context.config, context.workspace)
    learner.train()
    learner.start_epoch()
    return lambda batch: loop.step(batch, 0.0)


class Student(nn.Module):
    """Both forward passes of a step in one, since DDP takes one a step."""

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, target: Tensor, pair: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of targets, features of pairs."""
        _, logits = self.classifier(target.expand(-1, 3, -1, -1))
        features, _ = self.classifier(pair.expand(-1, 3, -1, -1))
        return logits, features


class PlainLoop:
    """What one writes by hand: each worker its losses of its own part of the batch, and DDP."""

    def __init__(self, context: TransferContext[Any], memory_format: torch.memory_format, synchronised: bool) -> None:
        self.format = memory_format
        classifier: Any = context.new_student()
        self.labels = _labels(classifier, context)
        student = Student(classifier).to(memory_format=memory_format).train()  # type: ignore[call-overload]
        if synchronised:
            synchronise(student, context.workspace.device)
        self.student = DistributedDataParallel(student)
        self.student.broadcast_buffers = False
        self.source = context.new_student().eval().to(memory_format=memory_format)  # type: ignore[call-overload]
        self.translator = context.translator
        config = context.config
        groups = [
            {"params": classifier.backbone.parameters(), "lr": config.lr},
            {"params": classifier.bottleneck.parameters(), "lr": config.lr * config.head_lr},
        ]
        self.optimiser = torch.optim.AdamW(groups, weight_decay=config.weight_decay)

    def __call__(self, batch: UnlabelledBatch) -> None:
        """One step."""
        target, pair_target, pair_source = (
            x.contiguous(memory_format=self.format) for x in (batch.target, batch.pair_target, batch.pair_source)
        )
        with torch.no_grad():
            teacher = self.source(self.translator(target))[1].softmax(dim=1)
            real = self.source(pair_source)[0]
        logits, features = self.student(target, pair_target)
        loss = F.kl_div(logits.log_softmax(dim=1), teacher, reduction="batchmean")
        loss = loss + 10 * F.mse_loss(features, real)
        loss = loss + 0.3 * F.cross_entropy(logits, self.labels[share(batch.target_B).to(self.labels.device)])
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        _ = loss.item()  # to print it, as one does


def _labels(classifier: nn.Module, context: TransferContext[Any]) -> Tensor:
    found = predict_rows(lambda x: classifier.eval()(x.expand(-1, 3, -1, -1)), context.data.target)
    return centroid_labels(found.features_BD, found.logits_BK.softmax(dim=1)).labels_N


if __name__ == "__main__":
    main()
