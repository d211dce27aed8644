"""Groups of real worker processes on this machine, which talk through gloo."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import distributed as dist
from torch.multiprocessing.spawn import start_processes


def in_group(workers: int, function: Callable[..., Any], *arguments: object) -> list[Any]:
    """What a module-level `function` returns in each worker, by rank. The exception of any is raised here.

    Workers are forked from a process that has imported torch: the first group takes seconds, each other a moment.
    """
    multiprocessing.get_context("forkserver").set_forkserver_preload(
        ["sfcmt.models.compat", "sfcmt.stages.transfer_context"]
    )
    with tempfile.TemporaryDirectory() as folder:
        given = (workers, Path(folder), function, arguments)
        start_processes(_work, given, workers, start_method="forkserver")  # type: ignore[no-untyped-call]
        return [torch.load(Path(folder) / f"{rank}.pt", weights_only=False) for rank in range(workers)]


def _work(
    rank: int, workers: int, folder: Path, function: Callable[..., object], arguments: tuple[object, ...]
) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", f"file://{folder / 'store'}", timedelta(seconds=60), workers, rank)
    torch.save(function(*arguments), folder / f"{rank}.pt")
    dist.barrier()
    dist.destroy_process_group()
