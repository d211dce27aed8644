"""Where stages are trained: in this process, in several of this machine, by a group, or all over a cluster."""

from __future__ import annotations

from collections.abc import Sequence

from clusters.session import check_places, on_cluster, ray_session
from sfcmt.callbacks import Callback
from sfcmt.config import Runtime
from sfcmt.stages.stage import Stage
from sfcmt.store import Store
from tuning.parallel import obtain_all


def is_here(jobs: int | None) -> bool:
    """Whether stages are trained one after the other, and this process hears of their steps."""
    return jobs in {None, 1} and not on_cluster()


def train_stages(
    stages: Sequence[Stage], runtime: Runtime, store: Store, callback: Callback, jobs: int | None = None
) -> None:
    """Obtain every stage with what it stands on; those that exist are not trained again.

    `jobs` is how many at a time: one if it is None, but on a cluster as many as this holds.
    """
    grouped = runtime.workers != 1
    if all(map(store.find, stages)) or (is_here(jobs) and not grouped):
        _one_by_one(stages, runtime, store, callback)
    elif is_here(jobs):
        from clusters.locks import RayLock
        from clusters.train import RayTrain

        with ray_session(callback), RayTrain() as trainer:
            check_places(runtime)
            _one_by_one(stages, runtime, Store(store.place, trainer, RayLock), callback)
    elif grouped or on_cluster():
        from clusters.tasks import obtain_on_cluster

        with ray_session(callback):
            obtain_on_cluster(stages, runtime, store, callback, jobs)
    else:
        obtain_all(stages, store, callback, jobs or 1)


def _one_by_one(stages: Sequence[Stage], runtime: Runtime, store: Store, callback: Callback) -> None:
    for stage in stages:
        store.obtain(stage, runtime, callback)
