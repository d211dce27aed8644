"""Stores on two real nodes, of which the second has a disk of its own mounted over one folder.

Workers of three CPUs each: every node has room for one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray

from sfcmt.clusters.shared_storage import refuse_unshared_store, store_problems
from sfcmt.clusters.tasks import train_on_cluster
from sfcmt.clusters.train import RayTrain
from sfcmt.errors import ConfigError
from sfcmt.store import Store
from sfcmt.testing.tiny import Recorder, recipe_of, tiny_experiment
from tests.patience import PATIENCE
from tests.ray_cluster import wait_until
from tests.s3 import s3_permissions

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]


@pytest.fixture(scope="module")
def folders(endpoint: str, connected: None) -> Iterator[Path]:
    """A folder of which `own` is another one on the second node."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("this user may not mount file systems")
    folder = Path(tempfile.mkdtemp(prefix="r"))
    for name in ("own", "shared"):
        (folder / name).mkdir()
    ray_here = Path(sys.executable).with_name("ray")  # the environment's own, whether it is activated or not
    head = ray.get_runtime_context().gcs_address
    start = f"{ray_here} start --block --address={head} --num-cpus=3 --temp-dir={folder}/ray"
    command = ["unshare", "--mount", "sh", "-c", f"mount -t tmpfs none {folder}/own && exec {start}"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
    node = subprocess.Popen(command, env=os.environ | {"SFCMT_CACHE": f"{folder}/second"}, **quiet)
    try:
        assert wait_until(lambda: sum(node["Alive"] for node in ray.nodes()) == 2, PATIENCE)
        yield folder
    finally:
        os.killpg(node.pid, signal.SIGTERM)
        node.wait(PATIENCE)
        assert wait_until(lambda: sum(node["Alive"] for node in ray.nodes()) == 1, PATIENCE)
        shutil.rmtree(folder, ignore_errors=True)


def test_a_folder_that_all_nodes_share_passes_and_is_left_as_it_was(folders: Path) -> None:
    assert store_problems(str(folders / "shared")) == []
    refuse_unshared_store(str(folders / "shared" / "not yet there"))
    assert list((folders / "shared").iterdir()) == []


def test_a_folder_that_is_another_on_one_node_is_refused_with_the_reason(folders: Path) -> None:
    with pytest.raises(ConfigError) as error:
        refuse_unshared_store(str(folders / "own"))
    (problem,) = error.value.problems
    assert (problem.path, problem.value) == ("runtime.store", str(folders / "own"))
    assert "s3://bucket/prefix" in problem.allowed
    assert "another folder here than at the driver" in problem.allowed
    assert ray.util.get_node_ip_address() in problem.allowed
    assert list((folders / "own").iterdir()) == []


def test_nothing_is_trained_in_a_store_that_is_not_shared(folders: Path, tiny_data: Path) -> None:
    experiment, recorder = tiny_experiment(tiny_data, folders / "own"), Recorder()
    with pytest.raises(ConfigError, match=r"runtime\.store.*is another folder"):
        train_on_cluster(
            [recipe_of("source", experiment)], experiment.runtime, Store(experiment.runtime.store), recorder
        )
    assert recorder.started == []
    assert list((folders / "own").iterdir()) == []


def test_workers_on_nodes_that_share_an_object_store_only_train_one_stage_together(
    folders: Path, endpoint: str, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SFCMT_CACHE", str(folders / "first"))
    store = f"s3://bucket/group?endpoint_override={endpoint}"
    experiment, recorder = tiny_experiment(tiny_data, store, runtime={"workers": 2, "cpus_per_worker": 3}), Recorder()
    with RayTrain() as trainer:
        found = Store(store, trainer).get_or_train(recipe_of("bridge", experiment), experiment.runtime, recorder)
    assert recorder.epochs == [("source", 1), ("source", 2), ("bridge", 1), ("bridge", 2)]
    assert list(folders.glob("second/*/stages/source-*"))  # its worker stood on what it fetched
    alone = Store(folders / "shared" / "alone").get_or_train(
        recipe_of("bridge", experiment), experiment.runtime.model_copy(update={"workers": 1}), Recorder()
    )
    assert found.identity == alone.identity
    for row, expected in zip(found.curves, alone.curves, strict=True):
        assert row == pytest.approx(expected, rel=1e-2, abs=1e-3)
    shutil.rmtree(folders / "shared" / "alone")


def test_an_object_store_passes_if_every_node_can_write_it(folders: Path, endpoint: str) -> None:
    store = f"s3://bucket/a?endpoint_override={endpoint}"
    assert store_problems(store) == []
    with s3_permissions(endpoint):
        problems = store_problems(store)
    assert len(problems) == 2
    assert all("cannot be written" in problem for problem in problems)
