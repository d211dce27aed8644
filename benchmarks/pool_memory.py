"""Peak memory and seconds of scoring a pool of models from their files, against holding the pool.

    python -m benchmarks.pool_memory [--models 25 200] [--images 2000] [--classes 100] [--features 512]

Writes outputs of imaginary models, then scores each pool with the default pick in a process of its own, in two ways:
all outputs held in memory, as reading whole files does, and read when a score asks for them. Prints the growth of each
process's memory over the start, and the ratio. Expected: the first grows with the pool, the second does not.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import torch

from sfcmt.outputs import NAMES, Outputs
from sfcmt.validators import POOL_VALIDATORS

PICK = "ensv_infomax"


class Cost(NamedTuple):
    """Of scoring a pool."""

    mebibytes: float
    seconds: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, nargs="+", default=[25, 200])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--features", type=int, default=512)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(max(arguments.models)):
            _write(Path(folder) / str(number), number, arguments)
        for models in arguments.models:
            held, streamed = (_measured(Path(folder), models, holds) for holds in (True, False))
            print(f"{models:6d} models: held {held.mebibytes:7.0f} MiB {held.seconds:6.2f} s", end="")
            print(f"   streamed {streamed.mebibytes:7.0f} MiB {streamed.seconds:6.2f} s", end="")
            print(f"   ratio {held.mebibytes / streamed.mebibytes:6.1f}")


def _write(folder: Path, seed: int, arguments: argparse.Namespace) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(arguments.images, arguments.classes, generator=generator)
    features = torch.randn(arguments.images, arguments.features, generator=generator)
    folder.mkdir()
    Outputs(logits, features, *(tensor[:10].clone() for tensor in (logits, features, logits, features))).save(folder)


def _measured(folder: Path, models: int, holds: bool) -> Cost:
    with multiprocessing.get_context("spawn").Pool(1) as process:
        return process.apply(_score, (folder, models, holds))


def _score(folder: Path, models: int, holds: bool) -> Cost:
    torch.set_num_threads(1)
    validator = POOL_VALIDATORS[PICK]
    validator([Outputs.load(folder / "0")])  # imports, and one model's share of memory
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pool = [Outputs.load(folder / str(number)) for number in range(models)]
    if holds:
        pool = [Outputs(**{name: getattr(one, name).clone() for name in NAMES}) for one in pool]
    validator(pool)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return Cost(max(grown, 1024) / 1024, time.perf_counter() - started)


if __name__ == "__main__":
    main()
