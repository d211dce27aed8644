"""Training stages in several processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess

from clusters.obtain import WorkerError, obtain_stages
from clusters.orders import StageOrder
from sfcmt.callbacks import Callback
from sfcmt.errors import SfcmtError
from sfcmt.progress import EpochLines
from sfcmt.stages.stage import Stage
from sfcmt.store import Store


def obtain_all(stages: Sequence[Stage], store: Store, callback: Callback, jobs: int) -> None:
    """Obtain every stage with what it stands on, `jobs` at a time; those that exist are not trained again.

    Ctrl-C ends the processes at once: a stage goes on from its last epoch. Raises `WorkerError`.
    """
    others = multiprocessing.active_children()
    try:
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _follow_parent) as pool:
            try:
                obtain_stages(stages, store, callback, lambda order: pool.submit(_obtain, order), jobs)
            except KeyboardInterrupt:
                for worker in set(multiprocessing.active_children()) - set(others):
                    worker.terminate()
                raise
    except BrokenProcessPool as error:
        raise WorkerError("a training process died (out of memory?); the same command goes on from there") from error


def _obtain(order: StageOrder) -> SfcmtError | None:
    import torch

    torch.set_num_threads(1)  # more on busy cores makes all slower
    try:
        Store(order.runtime.store).obtain(order.stage(), order.runtime, EpochLines())
    except SfcmtError as error:
        return error
    return None


def _follow_parent() -> None:
    """A terminal's Ctrl-C reaches all, but the parent ends its workers; if it is killed, they end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)  # at once: a stage goes on from its last epoch
