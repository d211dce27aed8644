"""Trials an hour for 1, 2, 4 and 8 at once on one card: processes that each train one transfer after the other.

With NVIDIA's MPS, where it is installed, kernels of several processes run at the same time; without, they take turns.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from benchmarks.gpu.bench import Bench, Row
from sfcmt.testing.tiny import get_or_train, tiny_experiment, write_tiny

_MPS = "nvidia-cuda-mps-control"


def rows(bench: Bench) -> Iterator[Row]:
    """Without MPS and with it."""
    data = write_tiny(bench.folder / "trials", rows=60 if bench.tiny else 600)
    store = bench.folder / "trials-store"
    get_or_train("bridge", _experiment(data, store, bench.device_name, bench.tiny, 0.0))
    yield from _at_once(bench, data, store, "")
    if bench.device_name == "cuda" and shutil.which(_MPS):
        with _mps():
            yield from _at_once(bench, data, store, ", MPS")
    elif bench.device_name == "cuda":
        yield Row("with MPS", f"needs {_MPS}", "skipped")


def _at_once(bench: Bench, data: Path, store: Path, how: str) -> Iterator[Row]:
    alone = 0.0
    for count in (1, 2) if bench.tiny else (1, 2, 4, 8):
        hourly = _hourly(count, bench, data, store)
        alone = alone or hourly
        yield Row(f"{count} at once{how}", f"{hourly:8.0f} trials an hour, {hourly / alone:.2f} times as many as alone")
        if bench.is_over():
            return


def _hourly(count: int, bench: Bench, data: Path, store: Path) -> float:
    context = multiprocessing.get_context("spawn")
    begin, each = context.Barrier(count), 1 if bench.tiny else 3
    ended: Any = context.Queue()
    given = (begin, ended, data, store, bench.device_name, bench.tiny, each)
    processes = [context.Process(target=_work, args=(number * 1000 + count, *given)) for number in range(count)]
    for process in processes:
        process.start()
    try:
        seconds = list(_told(ended, processes))
    finally:
        for process in processes:
            process.join(1)
            process.kill()
    return float(3600 * count * each / max(seconds))


def _told(ended: Any, processes: Sequence[Any]) -> Iterator[float]:
    """What each process tells, as long as none has died."""
    missing = len(processes)
    while missing:
        try:
            yield float(ended.get(timeout=1.0))
            missing -= 1
        except queue.Empty:
            if any(process.exitcode for process in processes):
                raise RuntimeError(f"one of {len(processes)} processes has died: out of memory?") from None


def _work(number: int, begin: Barrier, ended: Any, data: Path, store: Path, device: str, tiny: bool, each: int) -> None:
    for trial in range(each + 1):  # the first one warms up
        if trial == 1:
            begin.wait()
            started = time.perf_counter()
        get_or_train("transfer", _experiment(data, store, device, tiny, 1e-6 * (number * 10 + trial + os.getpid() % 7)))
    ended.put(time.perf_counter() - started)


def _experiment(data: Path, store: Path, device: str, tiny: bool, offset: float) -> Any:
    backbone, size = ("small", 16) if tiny else ("resnet18", 96)
    return tiny_experiment(
        data,
        store,
        data={"size": size},
        source={"backbone": backbone, "epochs": 1},
        transfer={"lr": 1e-4 + offset, "epochs": 1 if tiny else 2, "batch": 16 if tiny else 64},
        runtime={"device": device},
    )


@contextmanager
def _mps() -> Iterator[None]:
    """The control process of MPS, for this block's children."""
    names, before = ("CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY"), dict(os.environ)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ.update(dict.fromkeys(names, folder))
        subprocess.run([str(shutil.which(_MPS)), "-d"], check=True)
        try:
            yield
        finally:
            subprocess.run([str(shutil.which(_MPS))], input=b"quit\n", check=False)
            for name in names:
                os.environ.pop(name)
                os.environ.update({name: before[name]} if name in before else {})
