"""Whether all nodes of a cluster write to the same store: what is trained on a node's own disk, no other node finds."""

from __future__ import annotations

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from sfcmt.clusters.checks.machine import store_problem
from sfcmt.clusters.checks.nodes import marker_beside
from sfcmt.errors import ConfigError, Problem

_ALLOWED = (
    "a folder that all nodes share, or a URI that all can write, such as s3://bucket/prefix or gs://bucket/prefix"
)
_SECONDS = 90.0


def refuse_unshared_store(store: str) -> None:
    """Raise `ConfigError` if some node of the cluster that Ray is connected to does not write to the same store.

    Nothing is looked at in a cluster of one node.
    """
    if problems := store_problems(store):
        raise ConfigError([Problem("runtime.store", store, f"{_ALLOWED} ({problem})") for problem in problems])


def store_problems(store: str) -> list[str]:
    """What keeps nodes from writing to the store, a line for each such node; `store` is absolute, or a URI."""
    nodes = [node for node in ray.nodes() if node["Alive"]]
    if len(nodes) < 2:
        return []
    with marker_beside(store) as marker:
        look = ray.remote(num_cpus=0, max_retries=0)(store_problem)
        tasks = [
            look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(
                store, marker
            )
            for node in nodes
        ]
        answers = [(node["NodeManagerAddress"], _answer(task)) for node, task in zip(nodes, tasks, strict=True)]
    return [f"node {address}: {problem}" for address, problem in answers if problem]


def _answer(task: ray.ObjectRef) -> str | None:
    try:
        problem: str | None = ray.get(task, timeout=_SECONDS)
    except ray.exceptions.RayError as error:
        return f"does not answer: {str(error).strip().splitlines()[-1]}"
    return problem
