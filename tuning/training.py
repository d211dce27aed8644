"""Where stages are trained: in this process, in several of this machine, by a group, or all over a cluster."""

from __future__ import annotations

from collections.abc import Sequence

from sfcmt.callbacks import Callback
from sfcmt.clusters.session import check_places, on_cluster, ray_session
from sfcmt.config import GivenSourceConfig, Runtime
from sfcmt.models.given import GivenSource
from sfcmt.recipe import Recipe
from sfcmt.stages.dry_run import dry_run
from sfcmt.store import Store
from sfcmt.tuning.parallel import train_in_processes


def is_here(jobs: int | None) -> bool:
    """Whether stages are trained one after the other, and this process hears of their steps."""
    return jobs in {None, 1} and not on_cluster()


def train_stages(
    recipes: Sequence[Recipe], runtime: Runtime, store: Store, callback: Callback, jobs: int | None = None
) -> None:
    """Train every recipe that is missing, with what it stands on, after a dry run of it.

    `jobs` is how many at a time: one if it is None, but on a cluster as many as this holds. Raises `ModelError` where
    other processes would train, and cannot make the source model, and as `dry_run` does.
    """
    dry_run(recipes, store)
    grouped = runtime.workers != 1
    if all(map(store.find, recipes)) or (is_here(jobs) and not grouped):
        _one_by_one(recipes, runtime, store, callback)
        return
    _require_everywhere(recipes)
    if is_here(jobs):
        from sfcmt.clusters.train import RayTrain

        with ray_session(callback), RayTrain() as trainer:
            check_places(runtime)
            _one_by_one(recipes, runtime, Store(store.place, trainer, store.user), callback)
    elif grouped or on_cluster():
        from sfcmt.clusters.tasks import train_on_cluster

        with ray_session(callback):
            train_on_cluster(recipes, runtime, store, callback, jobs)
    else:
        train_in_processes(recipes, runtime, store, callback, jobs or 1)


def _one_by_one(recipes: Sequence[Recipe], runtime: Runtime, store: Store, callback: Callback) -> None:
    for recipe in recipes:
        store.get_or_train(recipe, runtime, callback)


def _require_everywhere(recipes: Sequence[Recipe]) -> None:
    for recipe in recipes:
        if isinstance(recipe.config, GivenSourceConfig):
            GivenSource(recipe.config).require_everywhere()
        _require_everywhere(recipe.upstream)
