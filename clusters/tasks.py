"""Stages all over a Ray cluster: as tasks of one worker each, or by actors that keep a group of workers each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cached_property, partial
from threading import Lock, Timer
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError
from ray.util.queue import Queue
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sfcmt.callbacks import Callback
from sfcmt.clusters.giving_way import gives_way
from sfcmt.clusters.messages import Sender, StageNews
from sfcmt.clusters.session import places
from sfcmt.clusters.shared_storage import refuse_unshared_store
from sfcmt.clusters.stage_request import StageRequest
from sfcmt.clusters.training_queue import Submit, WorkerError, train_missing
from sfcmt.config import Runtime
from sfcmt.errors import SfcmtError
from sfcmt.recipe import Recipe
from sfcmt.storage import absolute_store
from sfcmt.store import Store, Trainer
from sfcmt.workspace import train_here

_PATIENCE = 60.0
_IDLE = 30.0
"""Seconds for which a group without work is kept: a new one takes up to 14."""
_RETRIES = 5
"""Of a request whose process or node died; it goes on from the last epoch."""


def train_on_cluster(
    recipes: Iterable[Recipe],
    runtime: Runtime,
    store: Store,
    callback: Callback,
    jobs: int | None = None,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Train what is missing, with all that it stands on, as many at a time as the cluster holds, or at most `jobs`.

    Raises what went wrong first, `WorkerError` if its process died again and again, and `ConfigError`
    before anything is trained if the nodes do not share the store.
    """
    refuse_unshared_store(absolute_store(store.place))
    news = _News()
    try:
        if runtime.workers == 1:
            train_missing(recipes, runtime, store, callback, partial(_submit, news), jobs, check, news.heard)
        else:
            with _groups(news) as submit:
                train_missing(
                    recipes, runtime, store, callback, submit, jobs or max(1, places(runtime)), check, news.heard
                )
    except RayTaskError:
        raise
    except RayError as error:
        reason = str(error).splitlines()[0]
        raise WorkerError(f"a training process died ({reason}); the same command goes on from there") from error


class _News:
    """What tasks tell, by way of an actor of this process, which starts with the first task."""

    @cached_property
    def queue(self) -> Queue:
        """Where tasks put it."""
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        restarted = {"max_restarts": -1, "max_task_retries": -1}
        return Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here, **restarted})

    def heard(self) -> Sequence[StageNews]:
        """What was told since the last call."""
        found: Sequence[StageNews] = self.queue.get_nowait_batch(self.queue.qsize())
        return found


def _submit(news: _News, request: StageRequest) -> Future[SfcmtError | None]:
    runtime = request.runtime
    task: Any = ray.remote(num_cpus=runtime.cpus_per_worker, num_gpus=runtime.gpus_per_worker, max_retries=_RETRIES)(
        _train
    )
    future: Future[SfcmtError | None] = task.remote(request, news.queue).future()
    return future


@contextmanager
def _groups(news: _News) -> Iterator[Submit]:
    """Has requests served by groups: by an idle one if there is any, else by a new one. They end with the block."""
    latest: dict[Any, Future[SfcmtError | None]] = {}

    def submit(request: StageRequest) -> Future[SfcmtError | None]:
        idle = [actor for actor, future in latest.items() if future.done()]
        actor = idle[0] if idle else ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=_RETRIES)(_Group).remote()
        latest[actor] = actor.get_or_train.remote(request, news.queue).future()
        return latest[actor]

    yield submit
    ray.wait([actor.close.remote() for actor in latest], num_returns=len(latest), timeout=_PATIENCE)


class _Group:
    """An actor with a group of workers of its own. One that has nothing to do for a while gives its resources back."""

    def __init__(self) -> None:
        from sfcmt.clusters.train import RayTrain

        self._trainer = RayTrain()
        self._busy, self._rest = Lock(), Timer(_IDLE, self.close)

    def get_or_train(self, request: StageRequest, news: Queue) -> SfcmtError | None:
        self._rest.cancel()
        with self._busy:
            try:
                return _train(request, news, self._trainer)
            finally:
                self._rest = Timer(_IDLE, self.close)
                self._rest.daemon = True
                self._rest.start()

    def close(self) -> None:
        self._rest.cancel()
        with self._busy:
            self._trainer.close()


class _Sender(Sender):
    """Sends news, and gives way where the task would wait."""

    def __init__(self, send: Callable[[StageNews], object], runtime: Runtime) -> None:
        super().__init__(send)
        self._runtime = runtime

    def stage_waits(self, recipe: Recipe, reason: str) -> None:
        """Send it, and give way."""
        super().stage_waits(recipe, reason)
        gives_way(self._runtime, recipe.name, reason)


def _train(request: StageRequest, news: Queue, trainer: Trainer = train_here) -> SfcmtError | None:
    import torch

    def send(told: StageNews) -> None:
        ray.wait([news.actor.put_nowait.remote(told)], timeout=_PATIENCE)  # which raises nothing

    torch.set_num_threads(request.runtime.worker_threads)
    sender = _Sender(send, request.runtime)
    try:
        store = Store(request.runtime.store, trainer, user=None)  # who asked for it has been noted
        store.get_or_train(request.recipe(), request.runtime, sender)
    except SfcmtError as error:
        return error
    return None
