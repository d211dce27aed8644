"""The lock of a cluster: one holder among tasks and drivers, and free when the holder is killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import ray

from sfcmt.clusters.locks import RayLock
from sfcmt.store import Store
from sfcmt.testing.tiny import Recorder, contents, recipe_of, tiny_experiment
from tests.clusters.holding import Worker, stay
from tests.command import Command
from tests.patience import PATIENCE
from tests.ray_cluster import wait_until
from tests.s3 import s3_server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]

ROOT = Path(__file__).parents[2]
HOLD = """
import sys, ray
from sfcmt.clusters.locks import RayLock
ray.init(sys.argv[1], logging_level="ERROR", log_to_driver=False)
with RayLock(sys.argv[2]):
    print("held", flush=True)
    sys.stdin.readline()
print("left", flush=True)
"""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


def driver(cluster: str, name: str) -> Command:
    """A driver of another job, which holds the lock until it is told to leave it."""
    return Command("-c", HOLD, cluster, name, cwd=ROOT)


def test_tasks_hold_it_one_after_the_other(cluster: str) -> None:
    held = sorted(ray.get([ray.remote(num_cpus=2)(stay).remote("shared", 0.3) for _ in range(4)]))  # two at a time
    assert all(end <= begun for (_, end), (begun, _) in pairwise(held))


def test_locks_of_other_names_do_not_wait(cluster: str) -> None:
    with RayLock("one"), RayLock("two"):
        pass


def test_it_is_free_after_an_error(cluster: str) -> None:
    with pytest.raises(ZeroDivisionError), RayLock("broken"):
        _ = 1 / 0
    begun = time.monotonic()
    with RayLock("broken"):
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize("killed", [False, True])
def test_another_job_holds_it_until_it_leaves_or_is_killed(cluster: str, killed: bool) -> None:
    with driver(cluster, f"jobs {killed}") as other:
        assert other.stdout.readline() == "held\n"
        waiting = ray.remote(stay).remote(f"jobs {killed}", 0)
        assert ray.wait([waiting], timeout=2)[0] == []
        if killed:
            other.send_signal(signal.SIGKILL)
        else:
            other.stdin.write("\n")
            other.stdin.flush()
        ray.get(waiting, timeout=PATIENCE)


def test_a_killed_worker_frees_it(cluster: str) -> None:
    worker: Any = ray.remote(Worker).remote()
    pid = ray.get(worker.pid.remote())
    worker.hold.remote("worker")
    assert wait_until(lambda: bool(ray.util.list_named_actors(all_namespaces=True)), PATIENCE)
    waiting = ray.remote(stay).remote("worker", 0)
    assert ray.wait([waiting], timeout=2)[0] == []
    os.kill(pid, signal.SIGKILL)
    ray.get(waiting, timeout=PATIENCE)


def test_who_must_wait_is_told_once(cluster: str) -> None:
    other, told = driver(cluster, "busy"), list[str]()
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"

    def waits() -> None:
        told.append("waits")
        assert other.stdin is not None
        other.stdin.write("leave\n")
        other.stdin.flush()

    with RayLock("busy", waits):
        assert told == ["waits"]
    with RayLock("idle", waits):
        assert told == ["waits"]
    assert other.communicate(timeout=PATIENCE)[0] == "left\n"


def test_two_machines_that_need_the_same_stages_train_each_once(
    cluster: str, endpoint: str, tiny_data: Path, tmp_path: Path
) -> None:
    store = f"s3://bucket/locks?endpoint_override={endpoint}"

    def get_or_train() -> tuple[list[str], dict[str, bytes]]:
        recorder, experiment = Recorder(), tiny_experiment(tiny_data, store)
        found = Store(store, wide_lock=RayLock).get_or_train(
            recipe_of("bridge", experiment), experiment.runtime, recorder
        )
        return recorder.started, dict(contents(found.path))

    copies = [{"env_vars": {"SFCMT_CACHE": str(tmp_path / name)}} for name in ("one", "two")]
    (first, one), (second, two) = ray.get(
        [ray.remote(get_or_train).options(runtime_env=copy).remote() for copy in copies]
    )
    assert sorted(first + second) == ["bridge", "source"]
    assert one == two != {}
    assert len(list(tmp_path.glob("*/*/stages/*"))) == 4
