"""Training what is missing of many recipes: each once, as soon as what it stands on is there, several at a time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from graphlib import TopologicalSorter

from sfcmt.artifact import Artifact
from sfcmt.callbacks import Callback
from sfcmt.clusters.giving_way import GivesWayError, Resting
from sfcmt.clusters.messages import StageNews, pass_on
from sfcmt.clusters.stage_request import StageRequest
from sfcmt.config import Runtime
from sfcmt.errors import SfcmtError
from sfcmt.recipe import Recipe
from sfcmt.store import Store

Submit = Callable[[StageRequest], "Future[SfcmtError | None]"]
"""Has a recipe trained somewhere else; the future's result is what went wrong."""
_SECONDS = 0.5


class WorkerError(SfcmtError):
    """A process that trained died."""


def train_missing(
    recipes: Iterable[Recipe],
    runtime: Runtime,
    store: Store,
    callback: Callback,
    submit: Submit,
    jobs: int | None = None,
    check: Callable[[], None] = lambda: None,
    heard: Callable[[], Iterable[StageNews]] = tuple,
) -> None:
    """Train what is missing, with all that it stands on, at most `jobs` at a time.

    Twice a second `check` is called, and `heard` for what the processes that train have told since. What gives way to
    another process is tried again. Raises what went wrong first.
    """
    plan, running, resting = _Plan(recipes, store), dict[Future[SfcmtError | None], Recipe](), Resting[Recipe]()
    for recipe, artifact in plan.found():
        callback.stage_ended(recipe, artifact)
    try:
        while plan.is_active():
            while (rested := resting.rested()) is not None:
                plan.ready.append(rested)
            while plan.ready and (jobs is None or len(running) < jobs):
                recipe = plan.ready.popleft()
                callback.stage_waits(recipe, "for a free process")
                running[submit(StageRequest.of(recipe, runtime))] = recipe
            if not running:
                time.sleep(_SECONDS)
            ended, _ = wait(running, _SECONDS, FIRST_COMPLETED)
            check()
            for identity, news in heard():
                pass_on(news, plan.recipe(identity), callback)
            for future in ended:
                error, recipe = future.result(), running.pop(future)
                if isinstance(error, GivesWayError):
                    resting.add(recipe)
                elif error:
                    callback.stage_left(recipe)
                    raise error
                else:
                    callback.stage_ended(*plan.done(recipe))
    finally:
        for recipe in running.values():
            callback.stage_left(recipe)


class _Plan:
    """The recipes with all missing ones that they stand on, each once. Those in `ready` stand on nothing missing."""

    def __init__(self, recipes: Iterable[Recipe], store: Store) -> None:
        self._store = store
        self._recipes: dict[str, tuple[Recipe, Artifact | None]] = {}
        self._sorter: TopologicalSorter[str] = TopologicalSorter()
        for recipe in recipes:
            store.note_use(recipe)
            self._add(recipe)
        self._sorter.prepare()
        self.ready: deque[Recipe] = deque()
        self._advance()

    def is_active(self) -> bool:
        """Whether there are recipes that are not done."""
        return self._sorter.is_active()

    def found(self) -> Iterator[tuple[Recipe, Artifact]]:
        """What needs no training."""
        return ((recipe, artifact) for recipe, artifact in self._recipes.values() if artifact)

    def recipe(self, identity: str) -> Recipe:
        """One of the recipes."""
        return self._recipes[identity][0]

    def done(self, recipe: Recipe) -> tuple[Recipe, Artifact]:
        """Note that a recipe was trained; the recipe with its artifact."""
        artifact = self._store.find(recipe)
        assert artifact is not None, f"{recipe.name} was trained"
        self._sorter.done(recipe.identity)
        self._advance()
        return recipe, replace(artifact, reused=False)

    def _add(self, recipe: Recipe) -> None:
        if recipe.identity in self._recipes:
            return
        artifact = self._store.find(recipe)
        self._recipes[recipe.identity] = recipe, artifact
        needed = () if artifact else recipe.upstream
        self._sorter.add(recipe.identity, *(upstream.identity for upstream in needed))
        for upstream in needed:
            self._add(upstream)

    def _advance(self) -> None:
        """Move what stands on nothing missing any more to `ready`; what was found is done at once."""
        while identities := self._sorter.get_ready():
            for recipe, artifact in map(self._recipes.__getitem__, identities):
                if artifact:
                    self._sorter.done(recipe.identity)
                else:
                    self.ready.append(recipe)
