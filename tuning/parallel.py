"""Training stages in several processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess

from sfcmt.callbacks import Callback
from sfcmt.clusters.messages import Sender, StageNews
from sfcmt.clusters.stage_request import StageRequest
from sfcmt.clusters.training_queue import WorkerError, train_missing
from sfcmt.config import Runtime
from sfcmt.errors import SfcmtError
from sfcmt.recipe import Recipe
from sfcmt.store import Store

_SECONDS = 0.5


def train_in_processes(
    recipes: Sequence[Recipe], runtime: Runtime, store: Store, callback: Callback, jobs: int
) -> None:
    """Train what is missing, with what it stands on, `jobs` at a time; those that exist are not trained again.

    Ctrl-C ends the processes at once: a stage goes on from its last epoch. Raises `WorkerError`.
    """
    others = multiprocessing.active_children()
    try:
        with ProcessPoolExecutor(jobs, _processes(), _follow_parent) as pool:
            workers = _Workers(pool)
            try:
                with workers.awaited(callback):
                    train_missing(recipes, runtime, store, callback, workers.submit, jobs, heard=workers.heard)
            except KeyboardInterrupt:
                for worker in set(multiprocessing.active_children()) - set(others):
                    worker.terminate()
                raise
    except BrokenProcessPool as error:
        raise WorkerError("a training process died (out of memory?); the same command goes on from there") from error


class _Workers:
    """Has a pool serve requests, and hears of each through a pipe of its own."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._pipes: dict[Future[SfcmtError | None], tuple[Connection, Connection]] = {}

    def submit(self, request: StageRequest) -> Future[SfcmtError | None]:
        """Have a request served."""
        pipe = multiprocessing.Pipe(duplex=False)
        future = self._pool.submit(_train, request, pipe[1])
        self._pipes[future] = pipe
        return future

    def heard(self) -> Iterator[StageNews]:
        """What was told since the last call."""
        for future, (reader, _) in list(self._pipes.items()):
            has_ended = future.done()  # asked first: nothing is told after
            while reader.poll():
                yield reader.recv()
            if has_ended:
                del self._pipes[future]

    @contextmanager
    def awaited(self, callback: Callback) -> Iterator[None]:
        """After an error of one request within the block, wait for the others.

        They are heard until then: a pipe that is full stops who writes to it.
        """
        try:
            yield
        except SfcmtError:
            list(self.heard())
            if self._pipes:
                with callback.doing("waiting for the trainings that still run"):
                    while self._pipes:
                        wait(self._pipes, _SECONDS)
                        list(self.heard())
            raise


def _train(request: StageRequest, pipe: Connection) -> SfcmtError | None:
    import torch

    torch.set_num_threads(1)  # more on busy cores makes all slower
    try:
        store = Store(request.runtime.store, user=None)  # who asked for it has been noted
        store.get_or_train(request.recipe(), request.runtime, Sender(pipe.send))
    except SfcmtError as error:
        return error
    return None


def _processes() -> BaseContext:
    """Forked from one that has imported torch, which takes seconds, and has done nothing else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sfcmt.stages.transfer", "sfcmt.models.compat"])
    return context


def _follow_parent() -> None:
    """A terminal's Ctrl-C reaches all, but the parent ends its workers; if it is killed, they end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)  # at once: a stage goes on from its last epoch
