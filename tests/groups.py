"""Groups of real worker processes on this machine, which talk through gloo, each as if on a machine of its own."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import distributed as dist
from torch.multiprocessing.spawn import start_processes

from sfcmt.callbacks import Callback
from sfcmt.clusters.stage_request import StageRequest
from sfcmt.distributed import is_main
from sfcmt.store import Store, Trainer
from sfcmt.workspace import Workspace


def in_group(workers: int, function: Callable[..., Any], *arguments: object) -> list[Any]:
    """What a module-level `function` returns in each worker, by rank. The exception of any is raised here.

    Workers are forked from a process that has imported torch: the first group takes seconds, each other a moment.
    """
    with tempfile.TemporaryDirectory() as folder:
        return _started(_work, workers, Path(folder), function, arguments)


def in_processes(function: Callable[..., Any], arguments: Sequence[tuple[object, ...]]) -> list[Any]:
    """What a module-level `function` returns of each of the arguments, in processes that know nothing of each other."""
    with tempfile.TemporaryDirectory() as folder:
        return _started(_work_alone, len(arguments), Path(folder), function, arguments)


def trainer_of(workers: int, machines: Path) -> Trainer:
    """Has stages trained by a group of workers, each with its own copy of an object store, under `machines`."""

    def train(workspace: Workspace) -> None:
        in_group(workers, _train, StageRequest.of(workspace.recipe, workspace.runtime), machines)

    return train


def _train(request: StageRequest, machines: Path) -> None:
    os.environ["SFCMT_CACHE"] = str(machines / str(dist.get_rank()))
    recipe, store = request.recipe(), Store(request.runtime.store)
    store.workspace(recipe, request.runtime, Callback()).run()
    if is_main():
        store.hand_over(recipe)


def _started(work: Callable[..., None], count: int, folder: Path, *given: object) -> list[Any]:
    multiprocessing.get_context("forkserver").set_forkserver_preload(
        ["sfcmt.models.compat", "sfcmt.stages.transfer_context"]
    )
    given = (count, folder, dict(os.environ), *given)
    start_processes(work, given, count, start_method="forkserver")  # type: ignore[no-untyped-call]
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(count)]


def _work(
    rank: int,
    workers: int,
    folder: Path,
    environment: dict[str, str],
    function: Callable[..., object],
    arguments: tuple[object, ...],
) -> None:
    _settle(environment)
    dist.init_process_group("gloo", f"file://{folder / 'store'}", timedelta(seconds=60), workers, rank)
    torch.save(function(*arguments), folder / f"{rank}.pt")
    dist.barrier()
    dist.destroy_process_group()


def _work_alone(
    rank: int,
    _count: int,
    folder: Path,
    environment: dict[str, str],
    function: Callable[..., object],
    arguments: Sequence[tuple[object, ...]],
) -> None:
    _settle(environment)
    torch.save(function(*arguments[rank]), folder / f"{rank}.pt")


def _settle(environment: dict[str, str]) -> None:
    """One thread, and the variables of the test: the process that was forked from has those of an earlier one."""
    os.environ.update(environment)
    torch.set_num_threads(1)
