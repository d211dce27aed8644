"""Commands as real processes that start at once: forked from a Python that has imported what takes seconds.

A command has its own id, folder, environment, streams and signals, like one that a user starts. Only imports have
happened before: what is about them, and one run of each kind, starts a Python of its own.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from multiprocessing import Pipe
from pathlib import Path
from subprocess import PIPE, STDOUT, CompletedProcess, TimeoutExpired
from typing import IO, Self

from tests.forked_python.sitecustomize import SERVER
from tests.patience import PATIENCE

_ROOT = Path(__file__).parents[1]
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
_PATH = str(Path(tempfile.gettempdir()) / f"sfcmt-tests-{_RUN}")
"""Where the server of all workers of a test run listens."""


class Command:
    """`python ARGUMENTS`, which are `-m MODULE ...` or `-c CODE ...`; its parts are those of `subprocess.Popen`."""

    def __init__(
        self,
        *arguments: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stderr: int = PIPE,
        start_new_session: bool = False,
    ) -> None:
        self.args = arguments
        self.returncode: int | None = None
        environment = dict(os.environ if env is None else env)
        if start_new_session:  # what it starts belongs to its group, too
            environment.pop(SERVER, None)
        order = {
            "arguments": arguments,
            "folder": str(cwd or Path.cwd()),
            "environment": environment,
            "new_session": start_new_session,
        }
        ends = [os.pipe() for _ in range(2 if stderr == STDOUT else 3)]
        self.stdin, self.stdout = os.fdopen(ends[0][1], "w"), os.fdopen(ends[1][0])
        self.stderr: IO[str] | None = None if stderr == STDOUT else os.fdopen(ends[2][0])
        theirs = [ends[0][0], ends[1][1], ends[-1][1]]
        self._told, reply = Pipe(duplex=False)
        with tempfile.TemporaryFile("w+") as file, reply:
            json.dump(order, file)
            file.seek(0)
            socket.send_fds(warm_python(), [b"!"], [file.fileno(), *theirs, reply.fileno()])
        for descriptor in set(theirs):
            os.close(descriptor)
        self.pid: int = self._told.recv()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind:
            self.kill()
        self.communicate()

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        with suppress(TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float = PATIENCE) -> int:
        """Wait for its end; the exit code."""
        if self.returncode is None:
            if not self._told.poll(timeout):
                raise TimeoutExpired(self.args, timeout)
            self.returncode = int(self._told.recv())
        return self.returncode

    def communicate(self, timeout: float = PATIENCE) -> tuple[str, str]:
        """Wait for its end; what it has printed that nobody read. It is killed if that takes too long."""
        self.stdin.close()
        with ThreadPoolExecutor() as readers:
            texts = [readers.submit(_rest, pipe) for pipe in (self.stdout, self.stderr)]
            try:
                self.wait(timeout)
            except TimeoutExpired:
                self.kill()
                raise
        return texts[0].result(), texts[1].result()

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


def run(*arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> CompletedProcess[str]:
    """Run `python ARGUMENTS` to its end."""
    with Command(*arguments, cwd=cwd, env=env) as process:
        out, error = process.communicate()
    return CompletedProcess(arguments, process.wait(), out, error)


def _rest(pipe: IO[str] | None) -> str:
    if pipe is None or pipe.closed:
        return ""
    with pipe:
        return pipe.read()


def fork_for_others() -> None:
    """From now on, what this process and those that it starts have started is forked, too: see `forked_python`."""
    found = [str(_ROOT / "tests" / "forked_python"), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ |= {SERVER: _PATH, "PYTHONPATH": os.pathsep.join(found)}


@cache
def warm_python() -> socket.socket:
    """This process's connection to the server of all workers of a test run: the first to need it starts it."""
    while True:
        client = socket.socket(socket.AF_UNIX)
        with suppress(FileNotFoundError, ConnectionRefusedError):
            client.connect(_PATH)
            return client
        with suppress(OSError), socket.socket(socket.AF_UNIX) as listener:  # another worker has begun to listen there
            listener.bind(_PATH)
            listener.listen()
            command = [sys.executable, "-m", "tests.warm_python", str(listener.fileno())]
            subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.DEVNULL, pass_fds=[listener.fileno()])
        time.sleep(0.01)
