"""Images a second of the loader: decoded once and kept, and decoded when their batch comes up."""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch

from benchmarks.gpu.bench import Bench, Row
from sfcmt.config import TransferConfig
from sfcmt.data.batches import UnlabelledData
from sfcmt.data.dataset import Dataset
from sfcmt.data.loading import ImageReader
from sfcmt.models.normalise import Normalise
from sfcmt.testing.tiny import tiny_experiment, write_tiny


def rows(bench: Bench) -> Iterator[Row]:
    """Batches of target images and of both sides of pairs, augmented, on the device; nothing learns from them."""
    folder = write_tiny(bench.folder / "loader", rows=60 if bench.tiny else 2000, groups=50)
    dataset, config = Dataset(folder), tiny_experiment(folder, bench.folder / "loader-store").data
    training = TransferConfig(batch=bench.batch)
    for name, memory_gb in (("kept decoded", 8.0), ("decoded for each batch", 1e-9)):
        reader = ImageReader(dataset, 96, memory_gb, bench.folder / "cache", bench.device)
        data = UnlabelledData(
            dataset, config, reader, Normalise(dataset.manifest.source.normalisation).to(bench.device)
        )
        for _ in range(2):  # the first pass makes caches
            started, count = time.perf_counter(), 0
            for batch in data.epoch(training, torch.Generator().manual_seed(0)):
                count += len(batch.target) + len(batch.pair_target) + len(batch.pair_source)
            bench.synchronise()
            seconds = time.perf_counter() - started
        yield Row(f"{name}, 96 pixels", f"{count / seconds:8.0f} images/s")
