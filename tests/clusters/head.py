"""A head node of the tests' own: asks for a token, shows its dashboard on loopback only, ends with the tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import STDOUT

import pytest

from tests.command import Command
from tests.patience import PATIENCE
from tests.s3 import VARIABLES
from tests.server import free_port

_ATTEMPTS = 3
_AUTHENTICATION = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE")


@dataclass(frozen=True)
class Head:
    """A running head node."""

    address: str
    """Of its dashboard."""
    gcs: str
    """What `ray.init` takes."""
    token: str

    def environment(self, **variables: str) -> dict[str, str]:
        """The variables of a user who has the address and the token, and `variables`."""
        ours = (*_AUTHENTICATION, "RAY_ADDRESS", "MLFLOW_TRACKING_URI", "SFCMT_STORE", "AWS_ENDPOINT_URL")
        plain = {name: value for name, value in os.environ.items() if name not in ours}
        found = {"RAY_API_SERVER_ADDRESS": self.address, "RAY_AUTH_TOKEN": self.token, "COLUMNS": "200"}
        return plain | found | variables

    def start(self, folder: Path, *arguments: str, **variables: str) -> Command:
        """Start `sfcmt` as that user, in `folder`; what it prints comes on one pipe."""
        return Command("-m", "sfcmt", *arguments, cwd=folder, env=self.environment(**variables), stderr=STDOUT)

    def run(self, folder: Path, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run `sfcmt` to its end; its exit code, and what it printed."""
        process = self.start(folder, *arguments, **variables)
        out, _ = process.communicate(timeout=PATIENCE)
        return process.wait(), out


@contextmanager
def head_node(cpus: int, token: str) -> Iterator[Head]:
    """A head that answers, without GPUs; its processes may use S3, and end with the block."""
    # a short path, for sockets; workers that are still ending may write while it is removed
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp", ignore_cleanup_errors=True) as folder:
        head, process = _started(cpus, token, Path(folder))
        try:
            yield head
        finally:
            process.terminate()  # ends all that it has started
            process.wait(timeout=PATIENCE)


def _started(cpus: int, token: str, folder: Path) -> tuple[Head, subprocess.Popen[bytes]]:
    """A head that answers. Ray gives a node 30 s to start, which a busy machine may need longer for: then once more."""
    for attempt in range(_ATTEMPTS):
        head, process = _start(cpus, token, folder / str(attempt))
        if _answers(head, process, folder / str(attempt) / "log"):
            return head, process
    pytest.fail(f"the head does not start: {(folder / str(attempt) / 'log').read_text()}")


def _start(cpus: int, token: str, folder: Path) -> tuple[Head, subprocess.Popen[bytes]]:
    folder.mkdir()
    ports = [free_port() for _ in range(6)]
    head = Head(f"http://127.0.0.1:{ports[1]}", f"127.0.0.1:{ports[0]}", token)
    names = ["port", "dashboard-port", "ray-client-server-port", "dashboard-agent-listen-port"]
    names += ["dashboard-agent-grpc-port", "metrics-export-port"]
    command = [str(Path(sys.executable).parent / "ray"), "start", "--head", "--block", f"--temp-dir={folder}/t"]
    command += [f"--{name}={port}" for name, port in zip(names, ports, strict=True)]
    command += ["--dashboard-host=127.0.0.1", "--min-worker-port=0", "--max-worker-port=0", "--num-gpus=0"]
    command += [f"--num-cpus={cpus}"]
    command += ["--object-store-memory=100000000", "--disable-usage-stats", "--include-log-monitor=false"]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # jobs say `python`
    lean = {"RAY_prestart_worker_first_driver": "0"}  # no processes that nobody has asked for
    variables = head.environment(RAY_AUTH_MODE="token", PATH=path, **lean, **VARIABLES)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, env=variables, stdout=log, stderr=log, start_new_session=True)
    return head, process


def _answers(head: Head, process: subprocess.Popen[bytes], log: Path) -> bool:
    """Wait until all of the head has started; False if it ends before."""
    request = urllib.request.Request(f"{head.address}/api/jobs/", headers={"Authorization": f"Bearer {head.token}"})
    for _ in range(5 * PATIENCE):
        if process.poll() is not None:
            return False
        with suppress(OSError):
            if "Ray runtime started" in log.read_text():
                with urllib.request.urlopen(request) as answer:
                    assert json.load(answer) == []
                    return True
        time.sleep(0.2)
    return False
