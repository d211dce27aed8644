"""A lock over all nodes and jobs of a Ray cluster, which frees itself when its holder dies.

The lock is a named actor, and making one of that name succeeds for one process only. Ray ends an actor whose owner, the
process that made it, is gone, even by kill -9 or with its node, and then the name is free again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import ray
from ray.exceptions import ActorAlreadyExistsError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

_NAMESPACE = "sfcmt"
_SECONDS = 0.5


class RayLock:
    """Context that one process of the cluster at a time is in. Needs a connection to Ray; not re-entrant.

    The actor takes no resources, stays on its holder's node, and is started again if it dies alone. `waits` is called
    once if another process holds the lock.
    """

    def __init__(self, name: str, waits: Callable[[], None] = lambda: None) -> None:
        self._waits = waits
        self._name = f"lock-{hashlib.sha256(name.encode()).hexdigest()[:20]}"

    def __enter__(self) -> Self:
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        holder = ray.remote(num_cpus=0, max_restarts=-1)(_Holder)
        make = holder.options(name=self._name, namespace=_NAMESPACE, scheduling_strategy=here)
        has_told = False
        while True:
            try:
                self._actor = make.remote()
            except ActorAlreadyExistsError:
                if not has_told:
                    self._waits()
                has_told = True
                time.sleep(_SECONDS)
            else:
                return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ray.kill(self._actor)


class _Holder:
    """Does nothing but live as long as its owner."""
