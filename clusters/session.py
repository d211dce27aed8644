"""A session with Ray: connected to a cluster, or with a small one of this machine's own."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from sfcmt.callbacks import Callback
from sfcmt.clusters.connection import ClusterError
from sfcmt.clusters.reachability import require_cluster, starting_errors, temporary_problem
from sfcmt.config import Runtime
from sfcmt.errors import ConfigError, Problem

os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # a CPU worker may use what it finds
os.environ.setdefault("RAY_prestart_worker_first_driver", "0")  # a process for each CPU, of which few are ever used


@contextmanager
def ray_session(callback: Callback) -> Iterator[None]:
    """A connection to the cluster that RAY_ADDRESS names, or a cluster of this machine's own for as long as it lasts.

    SIGTERM ends the block like Ctrl-C; whatever still runs then is ended by Ray. Within another session there is
    nothing to do.
    """
    import ray

    from sfcmt.clusters.stale_placement_groups import removing_stale_groups

    if ray.is_initialized():
        yield
        return
    own = {"address": "local", "include_dashboard": False}  # it takes seconds to start, and nobody is told where it is
    place = {"address": os.environ["RAY_ADDRESS"]} if on_cluster() else own
    address = str(place["address"])
    with callback.doing(f"connecting to the Ray cluster at {address}" if on_cluster() else "starting Ray"):
        if on_cluster():
            require_cluster(address)
        elif problem := temporary_problem():
            raise ClusterError(f"{problem}; set RAY_TMPDIR to a short path that can be written")
        with starting_errors(address):
            ray.init(**place, logging_level=logging.ERROR, log_to_driver=False)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # after Ray has set a handler of its own
    try:
        with removing_stale_groups():
            yield
    finally:
        signal.signal(signal.SIGTERM, before)
        ray.shutdown()


def on_cluster() -> bool:
    """Whether this process belongs to a cluster, as within `ray job submit`; elsewhere RAY_ADDRESS may be a URL."""
    address = os.environ.get("RAY_ADDRESS", "")
    return bool(address) and "://" not in address


def check_places(runtime: Runtime) -> None:
    """Raise `ConfigError` if the cluster cannot hold a single group of a runtime's workers."""
    if places(runtime) < 1:
        each = f"{runtime.cpus_per_worker:g} CPUs and {runtime.gpus_per_worker:g} GPUs each"
        raise ConfigError([Problem("runtime.workers", runtime.workers, f"no more than there is room for, of {each}")])


def places(runtime: Runtime) -> int:
    """How many groups of a runtime's workers (of the least size) the whole cluster holds at a time."""
    import ray

    asked = {"CPU": runtime.cpus_per_worker, "GPU": runtime.gpus_per_worker}
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    workers = sum(
        min(int(node.get(name, 0) / amount + 1e-6) for name, amount in asked.items() if amount) for node in nodes
    )
    return workers // (runtime.workers if isinstance(runtime.workers, int) else runtime.workers[0])
