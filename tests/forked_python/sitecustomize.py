"""Has processes of others forked from `tests.warm_python`: what a Python imports first with this folder on its path.

A fork server of ours spends up to ten CPU seconds on imports. Such a Python sends its order, its streams and the
descriptors that it was given to the server of the tests, waits for the process that is forked there, and ends as it
does; if it is killed, so is that. Every other Python starts as ever, and so do these while no server listens.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

SERVER = "SFCMT_TESTS_PYTHON"
"""The variable that says where the server listens."""
_FORK_SERVER = "from multiprocessing.forkserver import main"


def order_of(command: list[str]) -> list[str]:
    """What `tests.warm_python` shall execute in place of a command; nothing, if that is to start as ever."""
    words = [word for word in command[1:] if word not in ("-B", "-u")]
    is_ours = len(words) > 1 and words[0] == "-c" and words[1].startswith(_FORK_SERVER) and "'sfcmt." in words[1]
    return words if is_ours else []


def hand_over(server: str, arguments: list[str]) -> int:
    """The exit code of a process that executes `arguments`. Raises `OSError` if nobody listens at `server`."""
    import json
    import signal
    import socket
    from multiprocessing.connection import Connection
    from pathlib import Path

    given = [int(one.name) for one in Path("/proc/self/fd").iterdir()]
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(server)
        inherited = [one for one in given if one > 2 and _is_inheritable(one)]
        order = {
            "arguments": arguments,
            "folder": str(Path.cwd()),
            "environment": dict(os.environ),
            "new_session": False,
            "inherited": inherited,
        }
        file = os.memfd_create("order")
        os.write(file, json.dumps(order).encode())
        os.lseek(file, 0, os.SEEK_SET)
        ours, theirs = os.pipe()
        socket.send_fds(client, [b"!"], [file, 0, 1, 2, theirs, *inherited])
        for one in (file, theirs, *inherited):
            os.close(one)
        with Connection(ours, writable=False) as told:
            process = told.recv()
            signal.signal(signal.SIGTERM, lambda number, _: os.kill(process, number))
            return int(told.recv())


def _is_inheritable(descriptor: int) -> bool:
    with suppress(OSError):  # the one of the folder that was listed
        return os.get_inheritable(descriptor)
    return False


if __name__ == "sitecustomize" and SERVER in os.environ and (_order := order_of(sys.orig_argv)):
    with suppress(OSError):
        os._exit(hand_over(os.environ[SERVER], _order))
