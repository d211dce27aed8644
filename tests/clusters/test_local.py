"""The scripts for a cluster on one machine, run for real."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import sfcmt.clusters
from tests.patience import PATIENCE
from tests.server import free_port

SCRIPTS = Path(sfcmt.clusters.__file__).resolve().parent / "local"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

PROGRAM = """
import os, ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

@ray.remote(num_cpus=1)
def look():
    return ray.get_runtime_context().get_node_id(), *os.listdir()

ray.init()
workers = [node["NodeID"] for node in ray.nodes() if node["Resources"].get("CPU")]
seen = ray.get([look.options(scheduling_strategy=On(node, soft=False)).remote() for node in workers])
print("CPUs", ray.cluster_resources()["CPU"], "nodes", len(ray.nodes()), "took part", len({node for node, *_ in seen}))
print("all see", sorted({file for _, *files in seen for file in files} | set(os.listdir(os.getcwd()))))
"""


class Local:
    """A cluster of two workers, with a folder and ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.dashboard = free_port()
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("RAY_", "SFCMT_"))}
        self.env |= {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SFCMT_CLUSTER": str(folder),
            "PORT": str(free_port()),
            "DASHBOARD_PORT": str(self.dashboard),
            "CLIENT_PORT": str(free_port()),
            "CPUS": "1",
        }

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """A shell command in the environment of the cluster's user."""
        return subprocess.run(
            ["bash", "-c", command], env=self.env, capture_output=True, text=True, check=False, timeout=PATIENCE
        )

    def script(self, name: str) -> subprocess.CompletedProcess[str]:
        return self.run(f"{shlex.quote(str(SCRIPTS / name))} 2")

    def processes(self) -> set[int]:
        """All that were started with the cluster's token, whatever they are called."""
        mark = f"RAY_AUTH_TOKEN_PATH={self.folder}/token".encode()
        return {int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if mark in _content(path)}

    def status(self, token: str | None) -> int:
        """What the job server answers to a token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(f"http://127.0.0.1:{self.dashboard}/api/jobs/", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


@pytest.fixture(scope="module")
def local() -> Iterator[Local]:
    with tempfile.TemporaryDirectory(prefix="sl", dir="/tmp") as short:
        cluster = Local(Path(short) / "c")
        up = cluster.script("up.sh")
        assert up.returncode == 0, up.stderr
        yield cluster
        if cluster.folder.exists():
            cluster.script("down.sh")


@pytest.mark.long
def test_jobs_run_on_the_workers_with_their_working_directory(local: Local, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    command = f"ray job submit --working-dir {tmp_path} -- {sys.executable} program.py"
    done = local.run(f". {local.folder}/env && {command}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CPUs 2.0 nodes 3" in done.stdout
    assert "took part 2" in done.stdout
    assert "all see ['program.py']" in done.stdout


@pytest.mark.long
def test_the_token_is_asked_for_and_private(local: Local) -> None:
    token = local.folder / "token"
    assert local.status(token.read_text()) == 200
    assert local.status(None) == 401
    assert local.status("0" * 64) == 403
    assert token.stat().st_mode & 0o077 == 0
    assert local.folder.stat().st_mode & 0o077 == 0


@pytest.mark.long
def test_the_dashboard_listens_on_loopback_only(local: Local) -> None:
    listening = [
        line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"
    ]
    assert [address for address in listening if address.endswith(f":{local.dashboard:04X}")] == [
        f"0100007F:{local.dashboard:04X}"
    ]


@pytest.mark.long
def test_a_second_cluster_in_its_place_is_refused(local: Local) -> None:
    before = local.processes()
    again = local.script("up.sh")
    assert again.returncode == 1
    assert "down.sh ends it" in again.stderr
    assert before <= local.processes()


@pytest.mark.long
def test_down_ends_its_own_processes_and_no_others(local: Local) -> None:
    assert len(local.processes()) > 5
    with subprocess.Popen(["sleep", "300"], env=local.env) as other:
        done = local.script("down.sh")
        assert done.returncode == 0, done.stderr
        assert other.poll() is None
        other.kill()
    assert not local.processes()
    assert not local.folder.exists()
    assert local.script("down.sh").returncode == 1


def test_what_cannot_start_leaves_nothing() -> None:
    """Up to Ray's own start; the scripts are read by ShellCheck, too. What starts and ends is long."""
    with tempfile.TemporaryDirectory(prefix="sl", dir="/tmp") as short:
        cluster = Local(Path(short) / "c")
        cluster.env["CLIENT_PORT"] = "1000"  # reserved
        up = cluster.script("up.sh")
        assert up.returncode != 0
        assert "must be an integer between 1024 and 65535" in up.stderr
        assert not cluster.processes()
        assert not cluster.folder.exists()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended, or is somebody else's
        return b""
