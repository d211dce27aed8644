"""A Python that has imported what takes seconds, and forks: `python -m tests.warm_python DESCRIPTOR`.

The descriptor is of a listening socket. An order is one byte and descriptors: a file with what to run (JSON), the
standard streams, a connection that is told the id of the process and, at its end, its exit code, and what the process
inherits beside. The server ends when nobody is connected any more.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import ModuleType
from typing import Any

IMPORTED = (
    "sfcmt.tuning.tracker",  # first: it says how MLflow shall be imported
    "sfcmt.tuning.comparison",
    "sfcmt.stages.transfer_context",
    "sfcmt.models.compat",
    "torch._dynamo",  # models are exported through it
    "mlflow.pyfunc",
    "mlflow.pytorch",
    "mlflow.store.tracking.sqlalchemy_store",
    "git",
    "matplotlib.pyplot",
    "pyarrow.dataset",
    "sklearn.manifold",
    "sklearn.metrics",
    "statsmodels.api",
    "typer",
)
"""None of them starts a thread, which a fork would miss. Ray is not among them: its import reads the environment."""

_REPLY = 4
_MOST = 250
"""Descriptors that one message can hold."""


class Server:
    """Who is connected, and what runs."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._ended, self._wake_up = socket.socketpair()
        self._clients: list[socket.socket] = []
        self._running: dict[int, Connection] = {}
        self._asked: dict[int, socket.socket] = {}

    def serve(self) -> list[int]:
        """Fork a process for each order. Returns in each of them, with its descriptors; here with none, at the end."""
        self._listen_to_signals()
        while True:
            for ready in wait([self._listener, self._ended, *self._clients]):
                if ready is self._listener:
                    self._clients.append(self._listener.accept()[0])
                elif ready is self._ended:
                    self._tell_exit_codes()
                elif isinstance(ready, socket.socket) and (descriptors := self._fork(ready)):
                    return descriptors
            if not self._clients and self._is_over():
                return []

    def _is_over(self) -> bool:
        """Whether nobody is connected, and nobody can connect any more."""
        Path(self._listener.getsockname()).unlink(missing_ok=True)
        return not wait([self._listener], timeout=0)

    def _fork(self, client: socket.socket) -> list[int]:
        order, descriptors, *_ = socket.recv_fds(client, 1, _MOST)
        if not order:
            self._clients.remove(client)
            client.close()
            self._kill_orphans(client)
        elif pid := os.fork():
            self._asked[pid] = client
            self._running[pid] = Connection(descriptors.pop(_REPLY))
            for descriptor in descriptors:
                os.close(descriptor)
        else:
            self._forget()
            return list(descriptors)
        return []

    def _kill_orphans(self, client: socket.socket) -> None:
        """End what runs for a client that has ended before it."""
        for pid, asked in self._asked.items():
            if asked is client:
                os.kill(pid, signal.SIGKILL)

    def _tell_exit_codes(self) -> None:
        self._ended.recv(1024)
        while self._running and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            del self._asked[ended[0]]
            with suppress(BrokenPipeError), self._running.pop(ended[0]) as reply:
                reply.send(os.waitstatus_to_exitcode(ended[1]))

    def _listen_to_signals(self) -> None:
        self._wake_up.setblocking(False)
        signal.set_wakeup_fd(self._wake_up.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's is for those who wait for the commands

    def _forget(self) -> None:
        """Be a new process: with its own way with signals, and without the connections of others."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for connection in self._running.values():
            connection.close()
        for one in (self._listener, self._ended, self._wake_up, *self._clients):
            one.close()


def run(descriptors: list[int], imports_set: dict[str, str]) -> None:
    """Do in this process what `python ARGUMENTS` does in a new one."""
    file, *streams, reply = descriptors[: _REPLY + 1]
    with os.fdopen(file) as order:
        asked: dict[str, Any] = json.load(order)
    if asked["new_session"]:
        os.setsid()
    with Connection(reply) as connection:
        connection.send(os.getpid())
    take(dict(zip([0, 1, 2, *asked.get("inherited", ())], [*streams, *descriptors[_REPLY + 1 :]], strict=True)))
    os.chdir(asked["folder"])
    ours = search_path()
    os.environ.clear()
    os.environ.update(imports_set | asked["environment"])
    sys.path[1 : 1 + len(ours)] = search_path()
    execute(*asked["arguments"])


def search_path() -> list[str]:
    """The folders that PYTHONPATH names, which are those behind the first of `sys.path` in a Python that starts."""
    return list(dict.fromkeys(filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))))


def take(descriptors: dict[int, int]) -> None:
    """Give each descriptor the number that it is asked for by, though another may have that now."""
    above = 1 + max(*descriptors, *descriptors.values())
    for target, descriptor in descriptors.items():
        descriptors[target] = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, above)
        os.close(descriptor)
    for target, descriptor in descriptors.items():
        os.dup2(descriptor, target)
        os.close(descriptor)


def execute(option: str, what: str, *arguments: str) -> None:
    """Execute `-m MODULE` or `-c CODE` as the main program."""
    sys.argv = [option, *arguments]
    sys.path[0] = str(Path.cwd()) if option == "-m" else ""
    if option == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(what, "<string>", "exec"), vars(sys.modules["__main__"]))


if __name__ == "__main__":
    server, before = Server(socket.socket(fileno=int(sys.argv[1]))), dict(os.environ)
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    if found := server.serve():
        run(found, {name: value for name, value in os.environ.items() if name not in before})
