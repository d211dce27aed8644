"""Ray clusters for all tests of a module: one of this process, and one with a job server and a token."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

import pytest
import ray
from ray.cluster_utils import Cluster

from tests.clusters.head import Head, head_node


@pytest.fixture(scope="module")
def four_cpus() -> Iterator[None]:
    """This process is the driver of its own cluster."""
    ray.init(address="local", num_cpus=4, logging_level=logging.ERROR, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def head() -> Iterator[Head]:
    """A head node with a job server that asks for a token."""
    with head_node() as head:
        yield head


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster that outlives the commands that use it; this process is connected, too."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 4, "include_dashboard": True, "dashboard_port": 0})
    ray.init(made.address, logging_level=logging.ERROR, log_to_driver=False)
    yield made.address
    ray.shutdown()
    made.shutdown()


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it became true in time."""
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def free_cpus() -> float:
    """CPUs that nobody has taken."""
    return float(ray.available_resources().get("CPU", 0))
