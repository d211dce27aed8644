"""A Ray cluster for all tests of a process: a head node with a job server and a token, and four logical CPUs.

To start one costs as much as a dozen tests. What uses it is in one of two groups, `@pytest.mark.xdist_group("ray")` for
what counts its CPUs, and `"search"` for whole searches: so two are started at most, each for tests that run one by one.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator

import pytest

from tests.clusters.head import Head, head_node
from tests.command import run
from tests.patience import PATIENCE

CPUS = 4
os.environ["RAY_AUTH_MODE"] = "token"  # Ray reads both once, when it is imported
os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


@pytest.fixture(scope="session")
def head() -> Iterator[Head]:
    """The head node. Ray gives its parts 15 s to start: the warm Python has to be there before, and not beside them."""
    run("-c", "pass")
    with head_node(CPUS, os.environ["RAY_AUTH_TOKEN"]) as head:
        yield head


@pytest.fixture(scope="session")
def connected(head: Head) -> Iterator[None]:
    """This process is a driver in the cluster."""
    import ray

    ray.init(head.gcs, logging_level=logging.ERROR, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture
def four_cpus(connected: None) -> None:
    """All CPUs are free: what was killed before this test has gone."""
    assert wait_until(lambda: free_cpus() == CPUS, PATIENCE)


@pytest.fixture
def cluster(head: Head, four_cpus: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """The cluster's address, which RAY_ADDRESS names: commands connect to it, and it outlives them."""
    monkeypatch.setenv("RAY_ADDRESS", head.gcs)
    return head.gcs


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it became true in time."""
    deadline = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def free_cpus() -> float:
    """CPUs that nobody has taken."""
    import ray

    return float(ray.available_resources().get("CPU", 0))
