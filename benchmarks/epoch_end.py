"""What looking at the images costs a judged training of some epochs: one look for all who ask, and a look for each.

    python -m benchmarks.epoch_end [--rows 600] [--epochs 5] [--repeats 3]

Early stopping asks for the outputs after each epoch, the next epoch's terms for the predictions of all target images,
and at the end the outputs are saved. The steps between are left out. Both ways take turns in one process; printed are
the median seconds, the images that went through networks, and the ratio; above 1 is faster. Expected: about 2.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook

from sfcmt.models.classifier import Classifier
from sfcmt.stages.methods.shot import SHOT
from sfcmt.stages.student import StudentLearner, make_terms
from sfcmt.stages.transfer_context import TransferContext
from sfcmt.testing.tiny import context_of, tiny_experiment, write_tiny


class Cost(NamedTuple):
    """Of the looks of one training."""

    seconds: float
    images: int


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    costs: dict[bool, list[Cost]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = write_tiny(folder / "data", rows=arguments.rows)
        context = context_of(tiny_experiment(data, folder / "store", method="shot"), folder / "stage")
        for _ in range(arguments.repeats):
            for shares, found in costs.items():
                found.append(_looks(context, arguments.epochs, shares))
    each, one = (statistics.median(cost.seconds for cost in found) for found in costs.values())
    print(f"a look for each {each:8.2f} s, {costs[False][0].images} images")
    print(f"one for all     {one:8.2f} s, {costs[True][0].images} images   ratio {each / one:.2f}")


def _looks(context: TransferContext[Any], epochs: int, shares: bool) -> Cost:
    terms = make_terms(SHOT.weights(context.config), {}, context)
    learner = StudentLearner(context.new_student(), terms, context).train()
    images: list[int] = []

    def note(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        if isinstance(module, Classifier):
            images.append(len(given[0]))

    handle, started = register_module_forward_pre_hook(note), time.perf_counter()
    vars(context).pop("real_pairs", None)
    for _ in range(epochs):
        learner.start_epoch()
        learner.outputs()
        if not shares:
            context.forget_answers()
            vars(context).pop("real_pairs")
    _ = context.answers(context.target_model(learner.result)).outputs
    context.forget_answers()
    handle.remove()
    return Cost(time.perf_counter() - started, sum(images))


if __name__ == "__main__":
    main()
