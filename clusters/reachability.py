"""Whether a cluster answers, found out within seconds: Ray itself tries a stale address for a quarter of an hour."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sfcmt.clusters.connection import ClusterError

_SECONDS = 5.0
_LONGEST = 107
"""Bytes of a socket's path, on Linux."""
_BELOW = len("/session_2026-11-29_08-00-00_000000_4194304/sockets/plasma_store")
"""Bytes that Ray adds to the path of its temporary folder."""


def require_cluster(address: str) -> None:
    """Raise `ClusterError` unless the head of a Ray cluster answers at `address`: what `ray.init` takes, or `auto`."""
    from ray._private.services import canonicalize_bootstrap_address_or_die

    advice = "start the cluster, or unset RAY_ADDRESS to work on this machine alone"
    try:
        where = canonicalize_bootstrap_address_or_die(address)
        host, _, port = where.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS):
            pass
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        told = f"RAY_ADDRESS {address}: no cluster answers within {_SECONDS:g} s ({reason}); {advice}"
        raise ClusterError(told) from error


@contextmanager
def starting_errors(address: str) -> Iterator[None]:
    """Turns what Ray raises while it starts, or is connected to, into a `ClusterError` of one line."""
    from ray.exceptions import RayError

    try:
        yield
    except (OSError, RayError, RuntimeError, ValueError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = lines[0] if lines else type(error).__name__
        raise ClusterError(f"Ray ({address}): {reason}; sfcmt doctor says more") from error


def temporary_problem() -> str | None:
    """Why Ray cannot start here: its temporary folder has too long a path for sockets, or cannot be written."""
    folder = ray_folder()
    length = len(os.fsencode(str(folder))) + _BELOW
    if length > _LONGEST:
        return f"{folder}: {length - _LONGEST} bytes too long a path for Ray's sockets"
    nearest = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        tempfile.TemporaryFile(dir=nearest).close()
    except OSError as error:
        return f"{folder}: cannot be written ({error.strerror})"
    return None


def ray_folder() -> Path:
    """Where Ray keeps its sockets and logs."""
    base = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108
    return Path(base).absolute() / "ray"
