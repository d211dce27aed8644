"""Obtaining many stages: each missing one once, as soon as what it stands on is there, several at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from graphlib import TopologicalSorter

from clusters.messages import StageNews, pass_on
from clusters.orders import StageOrder
from sfcmt.callbacks import Callback
from sfcmt.errors import SfcmtError
from sfcmt.stages.stage import Stage
from sfcmt.store import Artifact, Store

Submit = Callable[[StageOrder], "Future[SfcmtError | None]"]
"""Has a stage obtained somewhere else; the future's result is what went wrong."""
_SECONDS = 0.5


class WorkerError(SfcmtError):
    """A process that trained died."""


def obtain_stages(
    stages: Iterable[Stage],
    store: Store,
    callback: Callback,
    submit: Submit,
    jobs: int | None = None,
    check: Callable[[], None] = lambda: None,
    heard: Callable[[], Iterable[StageNews]] = tuple,
) -> None:
    """Obtain the stages with all that they stand on, at most `jobs` at a time.

    Twice a second `check` is called, and `heard` for what the processes that train have told since. Raises what went
    wrong with a stage first.
    """
    plan, running = _Plan(stages, store), dict[Future[SfcmtError | None], Stage]()
    for stage, artifact in plan.found():
        callback.stage_ended(stage, artifact)
    try:
        while plan.is_active():
            while plan.ready and (jobs is None or len(running) < jobs):
                stage = plan.ready.popleft()
                callback.stage_waits(stage, "for a free process")
                running[submit(StageOrder.of(stage, stage.experiment.runtime))] = stage
            ended, _ = wait(running, _SECONDS, FIRST_COMPLETED)
            check()
            for identity, news in heard():
                pass_on(news, plan.stage(identity), callback)
            for future in ended:
                if error := future.result():
                    raise error
                callback.stage_ended(*plan.done(running.pop(future)))
    finally:
        for stage in running.values():
            callback.stage_left(stage)


class _Plan:
    """The stages with all missing ones that they stand on, each once. Those in `ready` stand on nothing missing."""

    def __init__(self, stages: Iterable[Stage], store: Store) -> None:
        self._store = store
        self._stages: dict[str, tuple[Stage, Artifact | None]] = {}
        self._sorter: TopologicalSorter[str] = TopologicalSorter()
        for stage in stages:
            self._add(stage)
        self._sorter.prepare()
        self.ready: deque[Stage] = deque()
        self._advance()

    def is_active(self) -> bool:
        """Whether there are stages that are not done."""
        return self._sorter.is_active()

    def found(self) -> Iterator[tuple[Stage, Artifact]]:
        """The stages that need no training."""
        return ((stage, artifact) for stage, artifact in self._stages.values() if artifact)

    def stage(self, identity: str) -> Stage:
        """One of the stages."""
        return self._stages[identity][0]

    def done(self, stage: Stage) -> tuple[Stage, Artifact]:
        """Note that a stage was trained; the stage with its artifact."""
        artifact = self._store.find(stage)
        assert artifact is not None, f"{stage.name} was obtained"
        self._sorter.done(stage.identity)
        self._advance()
        return stage, replace(artifact, reused=False)

    def _add(self, stage: Stage) -> None:
        if stage.identity in self._stages:
            return
        artifact = self._store.find(stage)
        self._stages[stage.identity] = stage, artifact
        needed = () if artifact else stage.upstream
        self._sorter.add(stage.identity, *(upstream.identity for upstream in needed))
        for upstream in needed:
            self._add(upstream)

    def _advance(self) -> None:
        """Move what stands on nothing missing any more to `ready`; what was found is done at once."""
        while identities := self._sorter.get_ready():
            for stage, artifact in map(self._stages.__getitem__, identities):
                if artifact:
                    self._sorter.done(stage.identity)
                else:
                    self.ready.append(stage)
