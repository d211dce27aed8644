"""The loader against others, and decoders of JPEG against each other, with a learner that does nothing.

    python -m benchmarks.loading [--images 3000] [--size 96] [--kind JPEG] [--batch 64]

All loaders get the same encoded images, and give shuffled batches of pixels: ours, streamed and from a machine's
decoded copy; torch's DataLoader with a process a core, of our own decoder and of Pillow's; and WebDataset, where it is
installed (its order is not that of a permutation: it shuffles within a buffer). They take turns, `--rounds` times.
Printed are images a second in the median round, and ratios against the decoder alone, in as many threads as there are
cores; above 1 is faster than it. Each starts its workers before the clock.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks.image_files import different_images, imported
from sfcmt.cores import own_cores
from sfcmt.data import dataset as ours
from sfcmt.data.batches import shuffled
from sfcmt.data.fast_jpeg import fast_pixels
from sfcmt.data.images import decode
from sfcmt.data.loading import ImageReader, looked_ahead
from sfcmt.data.pixels import decoding_pool
from sfcmt.data.schema import Split

Epoch = Callable[[], Iterator[Tensor]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--kind", choices=["JPEG", "PNG"], default="JPEG")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    images = different_images(arguments.size, arguments.kind)
    _compare_decoders(images)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SFCMT_CACHE"] = f"{folder}/cache"
        encoded = [images[number % len(images)] for number in range(arguments.images)]
        _compare_loaders(_loaders(Path(folder), encoded, arguments), encoded, arguments.rounds)


def _compare_decoders(images: list[bytes]) -> None:
    """On one thread, by its own clock."""
    decoders: dict[str, Callable[[bytes], Any]] = {"Pillow": _by_pillow, "sfcmt": lambda data: decode(data, "")}
    if fast_pixels(images[0]) is not None:
        decoders["simplejpeg"] = fast_pixels
    seconds: dict[str, list[float]] = {name: [] for name in decoders}
    for _ in range(5):
        for name, decoder in decoders.items():
            started = time.thread_time()
            for image in images:
                decoder(image)
            seconds[name].append(time.thread_time() - started)
    for name, decoder in decoders.items():
        same = all(np.array_equal(decoder(image), _by_pillow(image)) for image in images)
        took = statistics.median(seconds[name])
        ratio = statistics.median(seconds["Pillow"]) / took
        print(f"{name:32s} {len(images) / took:8.0f} images a second   ratio {ratio:.2f}   {same=}")


def _by_pillow(data: bytes) -> Any:
    with Image.open(io.BytesIO(data)) as image:
        return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))


def _loaders(folder: Path, encoded: list[bytes], arguments: argparse.Namespace) -> dict[str, Epoch]:
    data, batch = ours.Dataset(imported(folder, len(encoded), arguments.size, arguments.kind)), arguments.batch
    found: dict[str, Epoch] = {"decoder alone": lambda: _decoded(encoded)}
    for name, memory_gb in (("sfcmt, streamed", 1e-9), ("sfcmt, decoded once", 1e3)):
        reader = ImageReader(data, arguments.size, memory_gb, folder / "cache", torch.device("cpu"))
        found[name] = _Ours(reader, len(encoded), batch)
    settings: dict[str, Any] = {"batch_size": batch, "num_workers": own_cores(), "shuffle": True, "drop_last": True}
    for name, decoder in (
        ("DataLoader, our decoder", lambda data: decode(data, "")),
        ("DataLoader, Pillow", _by_pillow),
    ):
        loader = DataLoader(_Mapped(encoded, decoder), persistent_workers=True, **settings)
        found[name] = loader.__iter__
    if find_spec("webdataset"):
        found["WebDataset"] = _webdataset(folder, encoded, batch)
    return found


def _compare_loaders(loaders: dict[str, Epoch], encoded: list[bytes], rounds: int) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in loaders}
    for turn in range(rounds + 1):
        for name, epoch in loaders.items():
            started, seen = time.perf_counter(), sum(len(x_BCHW) for x_BCHW in epoch())
            if turn:  # the first starts workers, and makes files
                seconds[name].append((time.perf_counter() - started) / seen)
    alone = statistics.median(seconds["decoder alone"])
    for name, values in seconds.items():
        took = statistics.median(values)
        print(f"{name:32s} {1 / took:8.0f} images a second   ratio {alone / took:.2f}", flush=True)


def _decoded(encoded: list[bytes]) -> Iterator[Tensor]:
    """All images, each by itself, in no batch."""
    parts = [encoded[start :: own_cores()] for start in range(own_cores())]
    list(decoding_pool().map(lambda part: [decode(data, "") for data in part] and None, parts))
    yield torch.empty(len(encoded))


class _Ours:
    def __init__(self, reader: ImageReader, count: int, batch: int) -> None:
        self._images, self._count, self._batch = reader.images(Split.TARGET, "image"), count, batch

    def __call__(self) -> Iterator[Tensor]:
        plan = shuffled(torch.arange(self._count), self._batch, self._count // self._batch, torch.Generator())
        for index_B, upcoming in looked_ahead(plan):
            x_BCHW = self._images.batch(index_B)
            for later_B in upcoming:
                self._images.prefetch(later_B)
            yield x_BCHW


class _Mapped(Dataset[Any]):
    def __init__(self, encoded: list[bytes], decoder: Callable[[bytes], Any]) -> None:
        self._encoded, self._decoder = encoded, decoder

    def __len__(self) -> int:
        return len(self._encoded)

    def __getitem__(self, row: int) -> Any:
        return self._decoder(self._encoded[row])


def _webdataset(folder: Path, encoded: list[bytes], batch: int) -> Epoch:
    import webdataset

    shards = [str(folder / f"{number}.tar") for number in range(4 * own_cores())]
    for number, shard in enumerate(shards):
        with tarfile.open(shard, "w") as file:
            for row in range(number, len(encoded), len(shards)):
                info = tarfile.TarInfo(f"{row}.jpg")
                info.size = len(encoded[row])
                file.addfile(info, io.BytesIO(encoded[row]))
    images = webdataset.WebDataset(shards, shardshuffle=len(shards)).shuffle(1000).to_tuple("jpg")
    batches = images.map(lambda files: decode(files[0], "")).batched(batch, partial=False, collation_fn=np.stack)
    loader = webdataset.WebLoader(batches, batch_size=None, num_workers=own_cores(), persistent_workers=True)
    return lambda: map(torch.as_tensor, loader)


if __name__ == "__main__":
    main()
