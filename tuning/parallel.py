"""Training stages in several processes, in rounds, so that what is shared is trained once."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sfcmt.callbacks import Callback
from sfcmt.data.dataset import Dataset
from sfcmt.errors import SfcmtError
from sfcmt.experiment import parse_experiment
from sfcmt.progress import EpochLines
from sfcmt.stages.stage import Stage
from sfcmt.store import Store


class WorkerError(SfcmtError):
    """A process that trained died."""


def obtain_all(stages: Sequence[Stage], store: Store, callback: Callback, jobs: int) -> None:
    """Obtain every stage with what it stands on, `jobs` at a time; those that exist are not trained again.

    Ctrl-C ends the processes at once: a stage goes on from its last epoch. Raises `WorkerError`.
    """
    others = multiprocessing.active_children()
    try:
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _ignore_interrupts) as pool:
            try:
                for stages_of_round in rounds(stages, store):
                    _obtain_round(pool, stages_of_round, store, callback)
            except KeyboardInterrupt:
                for worker in set(multiprocessing.active_children()) - set(others):
                    worker.terminate()
                raise
    except BrokenProcessPool as error:
        raise WorkerError("a training process died (out of memory?); the same command goes on from there") from error


def rounds(stages: Iterable[Stage], store: Store) -> list[list[Stage]]:
    """The stages with all missing ones that they stand on, each once, in rounds that only need the rounds before."""
    depth: dict[str, int] = {}
    by_identity: dict[str, Stage] = {}

    def visit(stage: Stage) -> int:
        if stage.identity not in depth:
            needed = stage.upstream if store.find(stage) is None else ()
            depth[stage.identity] = 1 + max(map(visit, needed), default=-1)
            by_identity[stage.identity] = stage
        return depth[stage.identity]

    for stage in stages:
        visit(stage)
    ordered: list[list[Stage]] = [[] for _ in range(1 + max(depth.values(), default=-1))]
    for identity, stage in by_identity.items():
        ordered[depth[identity]].append(stage)
    return ordered


def _obtain_round(pool: ProcessPoolExecutor, stages: Sequence[Stage], store: Store, callback: Callback) -> None:
    missing = []
    for stage in stages:
        if (artifact := store.find(stage)) is None:
            missing.append(stage)
        else:
            callback.stage_ended(stage, artifact)
    for stage, _ in zip(missing, pool.map(_obtain_in_worker, map(_order_of, missing)), strict=True):
        artifact = store.find(stage)
        assert artifact is not None, f"{stage.name} was obtained"
        callback.stage_ended(stage, replace(artifact, reused=False))


@dataclass(frozen=True)
class _Order:
    """A stage that another process is asked to obtain."""

    kind: type[Stage]
    experiment: dict[str, Any]
    folder: Path
    seed: int


def _order_of(stage: Stage) -> _Order:
    return _Order(type(stage), stage.experiment.model_dump(mode="json"), stage.dataset.folder, stage.seed)


def _obtain_in_worker(order: _Order) -> None:
    import torch

    torch.set_num_threads(1)  # more on busy cores makes all slower
    experiment = parse_experiment(order.experiment)
    stage = order.kind(experiment, Dataset(order.folder), order.seed)
    Store(experiment.runtime.store_path).obtain(stage, experiment.runtime, EpochLines())


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C reaches all; the parent ends its workers
