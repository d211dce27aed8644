"""A million images through import and through one epoch of the loader, with a learner that does nothing.

    python -m benchmarks.million_images [--images 1000000] [--size 96] [--memory-gb 8] [--folder /tmp]

Every step is a process of its own. Printed are images a second and the most memory that the process had, of the import;
of the first look at the data set, which proves it unchanged, and makes a machine's copy; of the epoch; and of the
decoder alone, on some of the images. A million JPEG files of 96 pixels need 9 GB of disk; with a `--memory-gb` that all
of them fit, 28 more.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks.image_files import different_images, write_crops
from sfcmt.data.batches import shuffled
from sfcmt.data.dataset import Dataset
from sfcmt.data.images import decode
from sfcmt.data.importer import import_dataset
from sfcmt.data.loading import ImageReader, looked_ahead
from sfcmt.data.pixels import decoding_pool
from sfcmt.data.schema import Split

_BATCH = 64
_ALONE = 50_000
"""Images for the decoder alone, at most."""


class Task(NamedTuple):
    """What to do it with."""

    folder: Path
    images: int
    size: int
    memory_gb: float


class Took(NamedTuple):
    """What a process has needed."""

    seconds: float
    processor_seconds: float
    peak_mib: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--memory-gb", type=float, default=8.0)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        os.environ["SFCMT_CACHE"] = f"{folder}/cache"
        task = Task(Path(folder), arguments.images, arguments.size, arguments.memory_gb)
        write_crops(task.folder / "crops.parquet", task.images, task.size, "JPEG")
        steps: dict[str, tuple[Callable[[Task], None], int]] = {
            "import": (_import, task.images),
            "first look": (_open, task.images),
            "epoch": (_epoch, task.images),
            "decoder alone": (_decode, min(task.images, _ALONE)),
        }
        for name, (step, images) in steps.items():
            _report(name, images, _in_a_process(step, task))


def _in_a_process(step: Callable[[Task], None], task: Task) -> Took:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measured, step, task).result()


def _measured(step: Callable[[Task], None], task: Task) -> Took:
    torch.set_num_threads(1)
    started, before = time.perf_counter(), time.process_time()
    step(task)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return Took(time.perf_counter() - started, time.process_time() - before, peak)


def _report(name: str, images: int, took: Took) -> None:
    rates = f"{images / took.seconds:8.0f} images a second, {images / took.processor_seconds:8.0f} of a core's"
    print(f"{name:16s} {took.seconds:8.1f} s {rates}, at most {took.peak_mib:6.0f} MiB", flush=True)


def _import(task: Task) -> None:
    import_dataset(task.folder / "crops.parquet", task.folder / "data", "crops", {})
    (task.folder / "crops.parquet").unlink()


def _open(task: Task) -> None:
    reader = ImageReader(
        Dataset(task.folder / "data"), task.size, task.memory_gb, task.folder / "cache", torch.device("cpu")
    )
    reader.images(Split.TARGET, "image")


def _epoch(task: Task) -> None:
    reader = ImageReader(
        Dataset(task.folder / "data"), task.size, task.memory_gb, task.folder / "cache", torch.device("cpu")
    )
    images, rows = reader.images(Split.TARGET, "image"), torch.arange(task.images)
    for index_B, upcoming in looked_ahead(shuffled(rows, _BATCH, task.images // _BATCH, torch.Generator())):
        images.batch(index_B)
        for later_B in upcoming:
            images.prefetch(later_B)


def _decode(task: Task) -> None:
    images = different_images(task.size, "JPEG")
    count = min(task.images, _ALONE) // len(images)
    for _ in decoding_pool().map(lambda _: [decode(image, "") for image in images] and None, range(count)):
        pass


if __name__ == "__main__":
    main()
